#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"
#include "tools/parley-bench/mqtt_packet.h"
#include "tools/parley-bench/tls_stream.h"
#include "tools/parley-bench/websocket.h"

namespace parley::bench {

class Connection;

// Told what came, during Reactor::poll(). Views hold for the call. It may send on any connection and close() this
// one; opening one again, and destroying one, is for after the poll.
class ConnectionHandler {
 public:
  virtual ~ConnectionHandler() = default;
  virtual void connected(Connection&, const Connack&) {}
  virtual void subscribed(Connection&, const Ack&) {}
  virtual void delivered(Connection&, const Publish&) {}
  virtual void acknowledged(Connection&, const Ack&) {}
  // By the other side, or because what came was no MQTT.
  virtual void closed(Connection&, std::string_view /*why*/) {}
};

// One thread's epoll loop over many connections. A load generator that waits for nothing else: what is sent is
// collected and goes out once per turn and connection, what came is read once per turn and connection. Not
// thread-safe; must outlive its connections.
class Reactor {
 public:
  static Result<std::unique_ptr<Reactor>> make();

  // One turn: sends what was collected, waits until something comes or `timeout` is over, handles it.
  Result<> poll(std::chrono::nanoseconds timeout);
  // When the bytes being handled were read.
  SteadyTime now() const { return now_; }

 private:
  friend class Connection;
  explicit Reactor(Fd epoll) : epoll_(std::move(epoll)), buffer_(256 * 1024, '\0') {}

  Fd epoll_;
  std::vector<Connection*> dirty_;  // have something to send
  std::string buffer_;
  SteadyTime now_{};
};

struct Endpoint {
  std::uint16_t port = 0;  // on 127.0.0.1
  bool websocket = false;
  bool tls = false;
  Version version = Version::v3;
  std::uint8_t source_host = 0;  // connects from 127.0.0.N; 0: as the system chooses
};

// One MQTT connection over a non-blocking socket. QoS 1 deliveries are acknowledged by itself after the handler has
// seen them. Sends are buffered without bound: who sends keeps a window. Not thread-safe.
class Connection {
 public:
  // `tag` is the owner's own: which of its connections this is.
  Connection(Reactor& reactor, ConnectionHandler& handler, const Endpoint& endpoint, std::size_t tag = 0)
      : reactor_(reactor), handler_(handler), endpoint_(endpoint), tag_(tag) {}
  ~Connection() { close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  std::size_t tag() const { return tag_; }
  bool is_open() const { return static_cast<bool>(socket_); }

  // Begins to connect and log in; the handler is told the outcome. unavailable: no socket, or nobody listens.
  Result<> open(const Login& login, const SessionKind& session);
  // At once, without DISCONNECT; what was not sent is lost. The handler is not told.
  void close();

  void subscribe(std::uint16_t packet_id, std::span<const std::string> filters, int qos);
  void publish(std::string_view topic, std::string_view payload, int qos, std::uint16_t packet_id);
  void disconnect();

 private:
  friend class Reactor;
  enum class Stage { connecting, securing, upgrading, open };

  void on_event(std::uint32_t events);
  void secure();
  void receive();
  void consume(std::string_view bytes);
  bool take(std::string_view bytes);
  bool handle(const Packet& packet);
  void deliver(const Publish& publish);
  void fail_with(std::string_view why);
  void mark_dirty();
  void flush();
  bool send_some(std::string& bytes);
  void watch(bool writable);

  Reactor& reactor_;
  ConnectionHandler& handler_;
  Endpoint endpoint_;
  std::size_t tag_;
  Fd socket_;
  std::optional<TlsStream> tls_;
  Stage stage_ = Stage::connecting;
  bool dirty_ = false;
  bool watching_writable_ = false;
  std::string mqtt_;     // to be sent
  std::string framed_;   // to be sent, in WebSocket frames
  std::string partial_;  // of a packet that has not come whole
  FrameReader frames_;
  std::string unframed_;
};

}  // namespace parley::bench
