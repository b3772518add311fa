#include "tools/parley-bench/flooder.h"

#include <sys/resource.h>
#include <unistd.h>

#include "tools/parley-bench/contender.h"
#include "tools/parley-bench/try.h"

namespace parley::bench {
namespace {

constexpr int kPriority = 10;  // nice
constexpr std::uint8_t kHost = 2;

}  // namespace

Flooder::Flooder(Flood flood, const Endpoint& endpoint, const Login& login)
    : flood_(flood), endpoint_(endpoint), login_(login) {
  endpoint_.source_host = kHost;
  endpoint_.version = Version::v5;  // which says what was refused
  login_.client_id = "flooder";
}

Result<std::unique_ptr<Flooder>> Flooder::start(Flood flood, const Endpoint& endpoint, const Login& login) {
  std::unique_ptr<Flooder> flooder(new Flooder(flood, endpoint, login));
  flooder->reactor_ = PARLEY_TRY(Reactor::make());
  const std::size_t count = flood == Flood::connects ? kConnections : 1;
  for (std::size_t i = 0; i < count; ++i)
    flooder->connections_.push_back(
        std::make_unique<Connection>(*flooder->reactor_, *flooder, flooder->endpoint_, i));
  flooder->thread_ = std::thread([raw = flooder.get()] { raw->run(); });
  return flooder;
}

Flooder::~Flooder() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
  connections_.clear();  // before the reactor
}

void Flooder::run() {
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kPriority);
  while (!stop_) {
    reopen_closed();
    if (!reactor_->poll(std::chrono::milliseconds(10))) return;
  }
}

void Flooder::reopen_closed() {
  for (auto& connection : connections_) {
    if (connection->is_open()) continue;
    if (flood_ == Flood::connects) ++attempts_;
    under_way_ = 0;
    (void)connection->open(login_, {.keepalive_s = 3600});
  }
}

void Flooder::connected(Connection& connection, const Connack& connack) {
  if (flood_ == Flood::connects || connack.code != 0) {
    if (connack.code != 0) ++refused_;
    return connection.close();
  }
  fill(connection);
}

void Flooder::closed(Connection&, std::string_view) {
  ++refused_;
}

void Flooder::fill(Connection& connection) {
  while (under_way_ < kWindow) attempt(connection);
}

void Flooder::attempt(Connection& connection) {
  const auto n = ++attempts_;
  const auto id = static_cast<std::uint16_t>(n % 65'535 + 1);
  ++under_way_;
  switch (flood_) {
    case Flood::messages:
      return connection.publish("rooms/" + room_name(0) + "/send", R"({"text":"flood"})", 1, id);
    case Flood::requests:
      return connection.publish("users/" + login_.user + "/requests/room.list", R"({"id":"f"})", 1, id);
    case Flood::subscriptions: {
      const std::vector<std::string> filters{"rooms/" + room_name(0) + "/typing/u" + std::to_string(n)};
      return connection.subscribe(id, filters, 1);
    }
    case Flood::connects:
      return;
  }
}

void Flooder::answered(Connection& connection, bool refused) {
  if (refused) ++refused_;
  if (under_way_ > 0) --under_way_;
  fill(connection);
}

}  // namespace parley::bench
