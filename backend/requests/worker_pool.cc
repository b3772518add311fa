#include "backend/requests/worker_pool.h"

namespace parley::backend {

WorkerPool::WorkerPool(std::uint32_t threads, std::size_t capacity) : capacity_(capacity) {
  for (std::uint32_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

WorkerPool::~WorkerPool() {
  stop({});
}

bool WorkerPool::push(std::function<void()> job) {
  {
    std::lock_guard lock(mutex_);
    if (closed_ || jobs_.size() >= capacity_) return false;
    jobs_.push_back(std::move(job));
  }
  changed_.notify_one();
  return true;
}

std::size_t WorkerPool::waiting() {
  std::lock_guard lock(mutex_);
  return jobs_.size();
}

void WorkerPool::stop(std::chrono::steady_clock::time_point deadline) {
  {
    std::unique_lock lock(mutex_);
    closed_ = true;
    changed_.notify_all();
    changed_.wait_until(lock, deadline, [&] { return jobs_.empty() && running_ == 0; });
    drop_ = true;
    jobs_.clear();
    changed_.notify_all();
  }
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

void WorkerPool::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return !jobs_.empty() || closed_; });
    if (jobs_.empty() || drop_) return;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    ++running_;
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
    --running_;
    if (closed_) changed_.notify_all();
  }
}

}  // namespace parley::backend
