#pragma once
#include <functional>
#include <string>

#include "backend/mqtt/publisher.h"

namespace parley::backend {

// A message that came from the broker, whether subscribed to or sent to this client directly.
struct Incoming {
  std::string topic{};
  std::string payload{};
  std::string response_topic{};    // MQTT 5 property, "" when not given
  std::string correlation_data{};  // MQTT 5 property, "" when not given
  bool retained = false;
};

// Who is told what happens on a Link. Called on the link's threads, one call at a time: hand over and return,
// never block.
class LinkListener {
 public:
  virtual ~LinkListener() = default;
  virtual void on_connected() = 0;  // a new session without any subscription
  virtual void on_lost(const std::string& reason) = 0;
  virtual void on_message(Incoming message) = 0;
};

// One MQTT connection to the broker that comes back by itself. Thread-safe, never blocks. What was under way
// when a connection ends is neither sent again nor told of: whoever needs an answer waits with a time-out.
class Link : public Publisher {
 public:
  virtual bool connected() const = 0;
  // done: ok once the broker granted it; permission_denied when it refused; unavailable when the connection
  // ended first. Called exactly once, on a thread of the link, or from within.
  virtual void subscribe(const std::string& filter, int qos, std::function<void(Result<>)> done) = 0;
  // Not told whether it was done: a connection that ends ends its subscriptions.
  virtual void unsubscribe(const std::string& filter) = 0;
  // Ends this connection (DISCONNECT); a new one is made after the back-off. on_lost is called.
  virtual void drop(const std::string& reason) = 0;
};

}  // namespace parley::backend
