#pragma once
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace parley::backend {

// Threads that run jobs from one bounded queue, in the order they came; with one thread, one after another.
// Thread-safe. Jobs must not throw.
class WorkerPool {
 public:
  WorkerPool(std::uint32_t threads, std::size_t capacity);
  ~WorkerPool();  // stop(0)
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // false: the queue is full, or the pool stops; the job will not run. Never blocks.
  bool push(std::function<void()> job);

  std::size_t waiting();  // jobs in the queue
  std::size_t capacity() const { return capacity_; }

  // Takes no more jobs, runs what is queued until `deadline`, then waits for the jobs under way; what is
  // still queued is dropped unrun.
  void stop(std::chrono::steady_clock::time_point deadline);

 private:
  void run();

  const std::size_t capacity_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  std::size_t running_ = 0;
  bool closed_ = false;  // takes no more
  bool drop_ = false;    // and runs no more
  std::vector<std::thread> threads_;
};

}  // namespace parley::backend
