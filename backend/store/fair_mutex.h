#pragma once
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace parley::backend {

// A mutex that serves in order of asking, so that a thread which takes it again and again (the feed, catching
// up) starves nobody. Meets BasicLockable. Thread-safe.
class FairMutex {
 public:
  void lock() {
    std::unique_lock guard(mutex_);
    std::uint64_t mine = next_++;
    turn_.wait(guard, [&] { return serving_ == mine; });
  }
  void unlock() {
    {
      std::lock_guard guard(mutex_);
      ++serving_;
    }
    turn_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable turn_;
  std::uint64_t next_ = 0;
  std::uint64_t serving_ = 0;
};

}  // namespace parley::backend
