#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>

#include "base/clock.h"

namespace parley::backend {

// Work put before one thread. Thread-safe; only next() waits.
class Mailbox {
 public:
  using Job = std::function<void()>;
  explicit Mailbox(std::size_t asked_max) : asked_max_(asked_max) {}

  void put(Job job);  // what must be taken: as much as the broker sends
  bool ask(Job job);  // what may be refused: false when asked_max jobs wait, or it is closed

  // The next job; nullopt when none came for so long, or when it is closed and empty.
  std::optional<Job> next(SteadyTime::duration patience);
  void close();  // jobs put before are still given out
  bool closed() const;

 private:
  const std::size_t asked_max_;
  mutable std::mutex mutex_;
  std::condition_variable came_;
  std::deque<Job> jobs_;
  bool closed_ = false;
};

}  // namespace parley::backend
