#include "plugin/directory/user_table.h"

#include <cstring>

namespace parley::plugin {
namespace {

std::uint32_t number(UserRef ref) {
  return static_cast<std::uint32_t>(ref);
}

std::string_view text_of(const std::unique_ptr<char[]>& block) {
  if (!block) return {};
  std::uint16_t size;
  std::memcpy(&size, block.get(), sizeof size);
  return {block.get() + sizeof size, size};
}

std::unique_ptr<char[]> block_of(std::string_view text) {
  if (text.empty()) return nullptr;
  const auto size = static_cast<std::uint16_t>(text.size());
  auto block = std::make_unique_for_overwrite<char[]>(sizeof size + size);
  std::memcpy(block.get(), &size, sizeof size);
  std::memcpy(block.get() + sizeof size, text.data(), size);
  return block;
}

}  // namespace

std::optional<UserRef> UserTable::find(std::string_view name, std::uint64_t hash) const {
  const std::uint64_t slot = index_.find(hash, [&](std::uint64_t s) {
    return same_hash(s, hash) && users_[index_entry(s)].name.view() == name;
  });
  if (slot == 0) return std::nullopt;
  return UserRef{index_entry(slot)};
}

UserRef UserTable::likely(std::uint64_t hash) const {
  const std::uint64_t slot = index_.find(hash, [hash](std::uint64_t s) { return same_hash(s, hash); });
  if (slot == 0) return kNoUser;
  __builtin_prefetch(users_.address(index_entry(slot)));
  return UserRef{index_entry(slot)};
}

std::optional<UserRef> UserTable::find_any_case(std::string_view name) const {
  const std::uint64_t hash = hash_name(key_, name);
  const std::uint64_t slot = index_.find(hash, [&](std::uint64_t s) {
    return same_hash(s, hash) && equal_folded(users_[index_entry(s)].name.view(), name);
  });
  if (slot == 0) return std::nullopt;
  return UserRef{index_entry(slot)};
}

UserView UserTable::view(UserRef ref) const {
  const User& user = users_[number(ref)];
  const std::uint8_t flags = user.name.tag();
  return {.ref = ref,
          .name = user.name.view(),
          .admin = (flags & kAdmin) != 0,
          .disabled = (flags & kDisabled) != 0,
          .has_password = user.scram != nullptr};
}

std::string_view UserTable::scram(UserRef ref) const {
  return text_of(users_[number(ref)].scram);
}

UserRef UserTable::add(std::string_view name) {
  const std::uint64_t hash = hash_name(key_, name);
  const std::uint32_t i = users_.add();
  users_[i].name.set(name);
  heap_bytes_ += users_[i].name.heap_bytes();
  index_.insert(hash, index_slot(hash, i));
  return UserRef{i};
}

void UserTable::set(UserRef ref, bool admin, bool disabled, std::string_view scram) {
  User& user = users_[number(ref)];
  user.name.set_tag((admin ? kAdmin : 0) | (disabled ? kDisabled : 0));
  const std::string_view old = text_of(user.scram);
  if (old == scram) return;
  heap_bytes_ += scram.size();
  heap_bytes_ -= old.size();
  user.scram = block_of(scram);
}

void UserTable::for_each(const std::function<void(const UserView&)>& visit) const {
  for (std::uint32_t i = 0; i < users_.size(); ++i) visit(view(UserRef{i}));
}

std::size_t UserTable::memory_bytes() const {
  return users_.memory_bytes() + index_.memory_bytes() + heap_bytes_;
}

}  // namespace parley::plugin
