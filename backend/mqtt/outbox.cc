#include "backend/mqtt/outbox.h"

namespace parley::backend {

void Outbox::begin() {
  std::lock_guard lock(mutex_);
  reason_.clear();
}

void Outbox::open(std::uint32_t window) {
  std::lock_guard lock(mutex_);
  window_ = window;
  ++connection_;
  open_ = true;
}

void Outbox::end(const std::string& reason) {
  std::lock_guard lock(mutex_);
  if (reason_.empty()) reason_ = reason;
  sendable_.notify_all();
}

std::string Outbox::close() {
  std::lock_guard lock(mutex_);
  open_ = false;
  waiting_.clear();
  under_way_ = 0;
  ++connection_;
  emptied_.notify_all();
  return reason_;
}

bool Outbox::push(Publication message) {
  std::lock_guard lock(mutex_);
  if (!open_ || size_locked() >= max_) return false;
  waiting_.push_back(std::move(message));
  sendable_.notify_one();
  return true;
}

std::optional<Outbox::Ticket> Outbox::next() {
  std::unique_lock lock(mutex_);
  sendable_.wait(lock, [&] { return !reason_.empty() || (!waiting_.empty() && under_way_ < window_); });
  if (!reason_.empty()) return std::nullopt;
  Ticket ticket{std::move(waiting_.front()), connection_};
  waiting_.pop_front();
  ++under_way_;
  return ticket;
}

void Outbox::left(std::uint64_t connection) {
  std::lock_guard lock(mutex_);
  if (connection != connection_ || under_way_ == 0) return;
  --under_way_;
  sendable_.notify_one();
  if (size_locked() == 0) emptied_.notify_all();
}

bool Outbox::is_open() const {
  std::lock_guard lock(mutex_);
  return open_;
}

std::uint32_t Outbox::size() const {
  std::lock_guard lock(mutex_);
  return size_locked();
}

bool Outbox::wait_empty(std::chrono::milliseconds deadline) {
  std::unique_lock lock(mutex_);
  return emptied_.wait_for(lock, deadline, [&] { return !open_ || size_locked() == 0; });
}

}  // namespace parley::backend
