#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "tools/parley-bench/mqtt_client.h"
#include "tools/parley-bench/run.h"

namespace parley::bench {

struct FleetMember {
  Login login;
  SessionKind session;
  std::vector<std::string> filters;  // subscribed to at `qos`
  int qos = 1;
};

// Many connections, logged in and subscribed. What they get is passed on to `handler` (nullptr: nobody); each
// connection's tag is its place in the fleet. A connection that is lost is remembered: ask check(). Not thread-safe.
class Fleet final : public ConnectionHandler {
 public:
  Fleet(Run& run, ConnectionHandler* handler) : run_(run), handler_(handler) {}

  // Opens them, at most 50 at once (a broker's listen queue is short), and returns when all have subscribed.
  // permission_denied: one was refused; unavailable, timeout.
  Result<> join(const Endpoint& endpoint, std::vector<FleetMember> members);
  // DISCONNECT for all, and waits until the broker has closed them.
  Result<> leave();

  std::size_t size() const { return connections_.size(); }
  Connection& operator[](std::size_t i) { return *connections_[i]; }
  // The first connection that was lost, as an error.
  Result<> check() const;

 private:
  void connected(Connection& connection, const Connack& connack) override;
  void subscribed(Connection& connection, const Ack& ack) override;
  void delivered(Connection& connection, const Publish& publish) override;
  void acknowledged(Connection& connection, const Ack& ack) override;
  void closed(Connection& connection, std::string_view why) override;
  void refuse(Connection& connection, const std::string& what);

  Run& run_;
  ConnectionHandler* handler_;
  std::vector<FleetMember> members_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::size_t opening_ = 0, ready_ = 0, gone_ = 0;
  bool leaving_ = false;
  std::string trouble_;
};

}  // namespace parley::bench
