#include "backend/control/mailbox.h"

namespace parley::backend {

void Mailbox::put(Job job) {
  std::lock_guard lock(mutex_);
  if (closed_) return;
  jobs_.push_back(std::move(job));
  came_.notify_one();
}

bool Mailbox::ask(Job job) {
  std::lock_guard lock(mutex_);
  if (closed_ || jobs_.size() >= asked_max_) return false;
  jobs_.push_back(std::move(job));
  came_.notify_one();
  return true;
}

std::optional<Mailbox::Job> Mailbox::next(SteadyTime::duration patience) {
  std::unique_lock lock(mutex_);
  came_.wait_for(lock, patience, [&] { return closed_ || !jobs_.empty(); });
  if (jobs_.empty()) return std::nullopt;
  auto job = std::move(jobs_.front());
  jobs_.pop_front();
  return job;
}

void Mailbox::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  came_.notify_all();
}

bool Mailbox::closed() const {
  std::lock_guard lock(mutex_);
  return closed_;
}

}  // namespace parley::backend
