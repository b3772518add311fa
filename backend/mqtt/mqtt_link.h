#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "backend/metrics/metrics.h"
#include "backend/mqtt/link.h"
#include "base/backoff.h"
#include "base/circuit_breaker.h"
#include "base/log.h"
#include "base/tls/endpoint.h"

namespace parley::backend {

struct MqttOptions {
  Endpoint broker{};
  std::string user{};      // the backend's name on the broker
  std::string password{};  // its secret
  std::string client_id{};
  std::chrono::seconds keepalive{5};  // a silent broker is noticed after 1.5 times this
  std::chrono::milliseconds connect_timeout{5'000};
  BackoffOptions retry{.least = std::chrono::milliseconds(50),
                       .first = std::chrono::milliseconds(200),
                       .max = std::chrono::milliseconds(3'000)};  // before connecting again
  std::uint32_t outgoing_max =
      10'000;  // messages given to publish and not yet sent (QoS 0) or acknowledged (QoS 1)
};

// Link over Paho MQTT C++: MQTT 5, clean start, session expiry 0, so that the broker forgets this client with
// its connection. Connects, and connects again for ever, on a thread of its own. One object, one connection
// at a time, always the same client id: a new connection ends an old one the broker still believes in.
class MqttLink final : public Link {
 public:
  MqttLink(MqttOptions options, Metrics& metrics, LogSink log);
  ~MqttLink() override;

  // `listener` must outlive stop().
  void start(LinkListener& listener);
  // Waits at most `deadline` for what was published to be acknowledged, then sends DISCONNECT. Nothing is
  // called afterwards.
  void stop(std::chrono::milliseconds deadline);

  bool connected() const override;
  Result<> publish(Publication message) override;
  void subscribe(const std::string& filter, int qos, std::function<void(Result<>)> done) override;
  void unsubscribe(const std::string& filter) override;
  void drop(const std::string& reason) override;

  std::uint32_t outgoing() const;  // messages under way
  // The connection as a dependency: closed while connected, half-open while connecting, open while waiting.
  BreakerReading reading() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::backend
