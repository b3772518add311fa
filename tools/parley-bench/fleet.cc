#include "tools/parley-bench/fleet.h"

#include "tools/parley-bench/try.h"

namespace parley::bench {
namespace {

constexpr std::size_t kOpeningMax = 50;
constexpr std::chrono::milliseconds kTurn{10};
constexpr std::chrono::seconds kBound{60};

}  // namespace

Result<> Fleet::join(const Endpoint& endpoint, std::vector<FleetMember> members) {
  members_ = std::move(members);
  const auto end = std::chrono::steady_clock::now() + kBound;
  while (ready_ < members_.size()) {
    while (connections_.size() < members_.size() && opening_ < kOpeningMax) {
      const auto i = connections_.size();
      connections_.push_back(std::make_unique<Connection>(run_.reactor, *this, endpoint, i));
      PARLEY_TRY(connections_.back()->open(members_[i].login, members_[i].session));
      ++opening_;
    }
    PARLEY_TRY(run_.reactor.poll(kTurn));
    PARLEY_TRY(check());
    PARLEY_TRY(run_.check());
    if (std::chrono::steady_clock::now() > end)
      return fail(Errc::timeout, "Only " + std::to_string(ready_) + " of " + std::to_string(members_.size()) +
                                     " connections were ready within a minute.");
  }
  return {};
}

Result<> Fleet::leave() {
  leaving_ = true;
  gone_ = 0;
  for (auto& connection : connections_) {
    if (connection->is_open())
      connection->disconnect();
    else
      ++gone_;
  }
  const auto end = std::chrono::steady_clock::now() + kBound;
  while (gone_ < connections_.size() && std::chrono::steady_clock::now() < end) {
    PARLEY_TRY(run_.reactor.poll(kTurn));
    PARLEY_TRY(run_.check());
  }
  connections_.clear();
  return {};
}

Result<> Fleet::check() const {
  if (trouble_.empty()) return {};
  return fail(Errc::permission_denied, trouble_);
}

void Fleet::connected(Connection& connection, const Connack& connack) {
  const auto& member = members_[connection.tag()];
  if (connack.code != 0) return refuse(connection, "refused with code " + std::to_string(connack.code));
  if (!member.filters.empty()) return connection.subscribe(1, member.filters, member.qos);
  --opening_;
  ++ready_;
}

void Fleet::subscribed(Connection& connection, const Ack& ack) {
  if (ack.code >= 0x80) return refuse(connection, "not allowed to subscribe");
  --opening_;
  ++ready_;
}

void Fleet::delivered(Connection& connection, const Publish& publish) {
  if (handler_) handler_->delivered(connection, publish);
}

void Fleet::acknowledged(Connection& connection, const Ack& ack) {
  if (handler_) handler_->acknowledged(connection, ack);
}

void Fleet::closed(Connection& connection, std::string_view why) {
  ++gone_;
  if (!leaving_) refuse(connection, std::string(why));
}

void Fleet::refuse(Connection& connection, const std::string& what) {
  if (trouble_.empty())
    trouble_ = "Connection of " + members_[connection.tag()].login.client_id + ": " + what + ".";
}

}  // namespace parley::bench
