#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "backend/mqtt/link.h"
#include "base/result.h"

namespace parley::backend {

// What the broker holds retained under a filter.
struct RetainedMessages {
  std::map<std::string, std::string> payloads;  // by topic
  bool complete = true;                         // false: there were more than a reading takes
};

// Reads retained messages: subscribes, waits for a fence, ends the subscription. Whatever this client
// published before read() was called is in what it gives. Thread-safe, never blocks; `done` is called exactly
// once, on a thread of the link or the fence's, or from within. Errors: unavailable, timeout, in_doubt,
// permission_denied: nothing is known.
class RetainedReader {
 public:
  // Calls back when whatever the broker had sent to this client at the time it was called has been handed to
  // offer(); that is after it has done with all that was published before. (MQTT lets a broker send retained
  // messages before the SUBACK or after it: that is no fence.)
  using Fence = std::function<void(std::function<void(Result<>)>)>;
  using Done = std::function<void(Result<RetainedMessages>)>;

  // `link` must outlive this, and this whatever the fence calls back.
  RetainedReader(Link& link, Fence fence, std::size_t messages_max = 10'000)
      : link_(link), fence_(std::move(fence)), messages_max_(messages_max) {}

  // A filter that is being read is not read again at the same time: unavailable.
  void read(const std::string& filter, Done done);

  // A message that came. False: it is nothing of what is being read.
  bool offer(const Incoming& message);

 private:
  struct Reading {
    RetainedMessages found;
    Done done;
  };
  void finish(const std::string& filter, Result<> how);

  Link& link_;
  const Fence fence_;
  const std::size_t messages_max_;
  std::mutex mutex_;
  std::map<std::string, Reading> readings_;  // by filter
};

}  // namespace parley::backend
