#include "tests/fakes/faults.h"

namespace parley::backend {

void FaultPlan::plan(std::uint64_t nth, Fault fault) {
  std::lock_guard lock(mutex_);
  planned_[calls_ + nth] = fault;
}

void FaultPlan::plan(std::function<std::optional<Fault>(std::uint64_t)> each) {
  std::lock_guard lock(mutex_);
  each_ = std::move(each);
}

void FaultPlan::release() {
  std::lock_guard lock(mutex_);
  released_ = true;
  changed_.notify_all();
}

bool FaultPlan::wait_until_held(std::chrono::seconds at_most) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, at_most, [&] { return held_ > 0; });
}

std::uint64_t FaultPlan::calls() const {
  std::lock_guard lock(mutex_);
  return calls_;
}

std::optional<Fault> FaultPlan::next() {
  std::lock_guard lock(mutex_);
  auto number = ++calls_;
  auto planned = planned_.extract(number);
  if (!planned.empty()) return planned.mapped();
  return each_ ? each_(number) : std::nullopt;
}

void FaultPlan::hold() {
  std::unique_lock lock(mutex_);
  ++held_;
  changed_.notify_all();
  changed_.wait(lock, [&] { return released_; });
  --held_;
}

}  // namespace parley::backend
