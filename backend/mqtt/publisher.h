#pragma once
#include <string>

#include "base/result.h"

namespace parley::backend {

struct Publication {
  std::string topic{};
  std::string payload{};
  int qos = 1;
  bool retain = false;
  std::string correlation_data{};  // MQTT 5 property, when not empty
};

// Sends to the broker. Thread-safe, never blocks. unavailable: not connected, or the bounded outgoing queue
// is full: nothing was sent.
class Publisher {
 public:
  virtual ~Publisher() = default;
  virtual Result<> publish(Publication message) = 0;
};

}  // namespace parley::backend
