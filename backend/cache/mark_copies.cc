#include "backend/cache/mark_copies.h"

#include "base/crypto.h"

namespace parley::backend {

void MarkCopies::renew() {
  lease_ = random_u64() | 1;
  count_ = 0;
  changes_.clear();
}

void MarkCopies::begin() {
  std::lock_guard lock(mutex_);
  renew();
}

void MarkCopies::end() {
  std::lock_guard lock(mutex_);
  lease_ = 0;
}

void MarkCopies::room_deleted() {
  std::lock_guard lock(mutex_);
  if (lease_ != 0) renew();
}

void MarkCopies::room_made(const std::string& room) {
  changed("/" + room);
}

void MarkCopies::member_changed(const std::string& user) {
  changed(user);
}

void MarkCopies::changed(const std::string& what) {
  std::lock_guard lock(mutex_);
  if (lease_ == 0) return;
  if (changes_.size() >= changes_max_ && !changes_.contains(what)) renew();
  changes_[what] = ++count_;
}

std::string MarkCopies::era(const std::string& what) const {
  const auto at = changes_.find(what);
  return std::to_string(at == changes_.end() ? 0 : at->second);
}

std::vector<std::string> MarkCopies::names_of(std::span<const MarkRaise> raises) const {
  std::vector<std::string> names;
  std::lock_guard lock(mutex_);
  if (lease_ == 0) return names;
  for (const auto& raise : raises) {
    auto& name = names.emplace_back();
    if (raise.room.empty()) continue;
    name = "marks:" + std::to_string(lease_) + ":" + era(raise.user) + ":" + era("/" + raise.room) + ":" +
           raise.room + "/" + raise.user;
  }
  return names;
}

}  // namespace parley::backend
