#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tools/parley-bench/mqtt_client.h"

namespace parley::bench {

// What one client can do without end.
enum class Flood { messages, requests, subscriptions, connects };

// One client who does one thing as often as the broker lets it, from 127.0.0.2, on a thread of its own with a low priority, so that it takes the broker's
// time and not the measuring thread's. Ends with the object. Put out, it comes back at once.
class Flooder final : public ConnectionHandler {
 public:
  static Result<std::unique_ptr<Flooder>> start(Flood flood, const Endpoint& endpoint, const Login& login);
  ~Flooder() override;
  Flooder(const Flooder&) = delete;
  Flooder& operator=(const Flooder&) = delete;

  std::uint64_t attempts() const { return attempts_; }
  std::uint64_t refused() const { return refused_; }

 private:
  static constexpr std::size_t kWindow = 100;  // under way at once
  static constexpr std::size_t kConnections = 8;

  Flooder(Flood flood, const Endpoint& endpoint, const Login& login);
  void run();
  void reopen_closed();
  void fill(Connection& connection);
  void attempt(Connection& connection);
  void answered(Connection& connection, bool refused);

  void connected(Connection& connection, const Connack& connack) override;
  void subscribed(Connection& connection, const Ack& ack) override { answered(connection, ack.code >= 0x80); }
  void acknowledged(Connection& connection, const Ack& ack) override {
    answered(connection, ack.code >= 0x80);
  }
  void closed(Connection& connection, std::string_view why) override;

  Flood flood_;
  Endpoint endpoint_;
  Login login_;
  std::unique_ptr<Reactor> reactor_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::size_t under_way_ = 0;
  std::atomic<std::uint64_t> attempts_ = 0, refused_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace parley::bench
