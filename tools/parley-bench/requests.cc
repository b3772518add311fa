#include "tools/parley-bench/requests.h"

#include "tools/parley-bench/try.h"

namespace parley::bench {
namespace {

constexpr std::size_t kUnderWayMax = 100;
constexpr std::chrono::milliseconds kTurn{10};
constexpr std::chrono::seconds kSilenceMax{30};

std::uint16_t next_packet_id(std::uint16_t id) {
  return id == 0xffff ? 1 : static_cast<std::uint16_t>(id + 1);
}

}  // namespace

Result<std::unique_ptr<Requests>> Requests::open(Run& run, std::uint16_t port, const Login& login) {
  std::unique_ptr<Requests> requests(new Requests(run, port, login));
  PARLEY_TRY(requests->connection_.open(login, {.keepalive_s = 3600}));
  const auto end = std::chrono::steady_clock::now() + kSilenceMax;
  while (!requests->ready_) {
    PARLEY_TRY(run.reactor.poll(kTurn));
    PARLEY_TRY(run.check());
    if (!requests->trouble_.empty()) return fail(Errc::permission_denied, requests->trouble_);
    if (std::chrono::steady_clock::now() > end)
      return fail(Errc::timeout, "The administrator can't connect.");
  }
  return requests;
}

Result<std::vector<wire::Json>> Requests::call(std::span<const Call> calls) {
  calls_ = calls;
  results_.assign(calls.size(), {});
  answered_ = 0;
  std::size_t sent = 0;
  std::size_t seen = 0;
  auto end = std::chrono::steady_clock::now() + kSilenceMax;
  while (answered_ < calls.size()) {
    while (sent < calls.size() && sent - answered_ < kUnderWayMax) {
      send(calls[sent], sent);
      ++sent;
    }
    PARLEY_TRY(run_.reactor.poll(kTurn));
    PARLEY_TRY(run_.check());
    if (!trouble_.empty()) return fail(Errc::internal, trouble_);
    if (answered_ > seen) end = std::chrono::steady_clock::now() + kSilenceMax;
    seen = answered_;
    if (std::chrono::steady_clock::now() > end)
      return fail(Errc::timeout, "Requests: " + std::to_string(answered_) + " of " +
                                     std::to_string(calls.size()) + " answered, then silence.");
  }
  return std::move(results_);
}

void Requests::send(const Call& call, std::size_t index) {
  auto payload = call.params;
  payload["id"] = std::to_string(index);
  packet_id_ = next_packet_id(packet_id_);
  connection_.publish("users/" + user_ + "/requests/" + call.method, payload.dump(), 1, packet_id_);
}

void Requests::connected(Connection& connection, const Connack& connack) {
  if (connack.code != 0)
    return fail_with(user_ + " is refused with code " + std::to_string(connack.code) + ".");
  const std::vector<std::string> filters{"users/" + user_ + "/replies"};
  connection.subscribe(1, filters, 1);
}

void Requests::subscribed(Connection&, const Ack& ack) {
  if (ack.code >= 0x80) return fail_with(user_ + " may not subscribe to the replies.");
  ready_ = true;
}

void Requests::delivered(Connection&, const Publish& publish) {
  const auto reply = wire::parse_reply(publish.payload);
  if (!reply || reply->id.empty()) return fail_with("What came is no reply: " + std::string(publish.payload));
  const auto index = std::stoul(reply->id);
  if (index >= calls_.size()) return;
  if (!reply->ok)
    return fail_with(calls_[index].method + " " + calls_[index].params.dump().substr(0, 200) + ": " +
                     reply->code + ": " + reply->message);
  results_[index] = reply->result;
  ++answered_;
}

void Requests::acknowledged(Connection&, const Ack& ack) {
  if (ack.code >= 0x80)
    fail_with("A request was refused by the broker with code " + std::to_string(ack.code) + ".");
}

void Requests::closed(Connection&, std::string_view why) {
  fail_with("The administrator's connection: " + std::string(why) + ".");
}

void Requests::fail_with(std::string what) {
  if (trouble_.empty()) trouble_ = std::move(what);
}

}  // namespace parley::bench
