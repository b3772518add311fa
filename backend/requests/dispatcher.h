#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backend/metrics/queue_reading.h"
#include "wire/request.h"

namespace parley::backend {

// A request as it came in, by MQTT now and HTTP later. `respond` is called exactly once, from any thread,
// with the reply's JSON text.
struct IncomingRequest {
  std::string user;  // checked by whoever carried it here
  std::string method;
  std::string payload;
  std::function<void(std::string reply)> respond;
};

// Answers requests: parses, authorises, acts, replies. Thread-safe; submit never blocks.
// Two bounded queues: reads (history, sync, lists) on `read_threads`, changes in order on one thread. A full
// queue answers `unavailable` at once.
class Dispatcher {
 public:
  virtual ~Dispatcher() = default;
  virtual void submit(IncomingRequest request) = 0;
  // A valid JWT named a user nobody knew: make that account, in no room. Repeats are harmless.
  virtual void user_seen(const std::string& user) = 0;
  virtual std::vector<QueueReading> queues() { return {}; }  // reads, changes
  // Stops taking requests, finishes those begun within `deadline`.
  virtual void stop(std::chrono::milliseconds deadline) = 0;
};

}  // namespace parley::backend
