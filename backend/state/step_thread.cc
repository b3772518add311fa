#include "backend/state/step_thread.h"

namespace parley::backend {

void StepThread::start(Step step) {
  thread_ = std::thread([this, step = std::move(step)] { run(step); });
}

void StepThread::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void StepThread::wake() {
  std::lock_guard lock(mutex_);
  woken_ = true;
  changed_.notify_all();
}

void StepThread::run(const Step& step) {
  for (;;) {
    {
      std::lock_guard lock(mutex_);
      if (stopping_) return;
      woken_ = false;
    }
    const auto due = step();
    std::unique_lock lock(mutex_);
    const auto ended = [&] { return stopping_ || woken_; };
    if (due)
      changed_.wait_until(lock, *due, ended);
    else
      changed_.wait(lock, ended);
  }
}

}  // namespace parley::backend
