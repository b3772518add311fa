#include "plugin/directory/token_table.h"

#include <cassert>
#include <cstring>

namespace parley::plugin {

std::uint64_t TokenTable::slot_of_id(std::string_view id) const {
  const std::uint64_t hash = hash_bytes(key_, id);
  return by_id_.find(
      hash, [&](std::uint64_t s) { return same_hash(s, hash) && entries_[index_entry(s)].id.view() == id; });
}

std::uint64_t TokenTable::slot_of_secret(std::string_view sha256) const {
  const std::uint64_t hash = hash_bytes(key_, sha256);
  return by_secret_.find(hash, [&](std::uint64_t s) {
    return same_hash(s, hash) && entries_[index_entry(s)].secret() == sha256;
  });
}

const TokenTable::Entry* TokenTable::find(std::string_view sha256) const {
  const std::uint64_t slot = slot_of_secret(sha256);
  return slot == 0 ? nullptr : entries_.address(index_entry(slot));
}

const TokenTable::Entry* TokenTable::find_id(std::string_view id) const {
  const std::uint64_t slot = slot_of_id(id);
  return slot == 0 ? nullptr : entries_.address(index_entry(slot));
}

void TokenTable::put(std::string_view id, std::string_view sha256, UserRef user, std::int64_t expires_ms) {
  assert(sha256.size() == 32);
  drop(id);
  std::uint32_t i;
  if (free_.empty()) {
    i = entries_.add();
  } else {
    i = free_.back();
    free_.pop_back();
  }
  Entry& entry = entries_[i];
  entry.id.set(id);
  entry.id.set_tag(1);
  std::memcpy(entry.sha256.data(), sha256.data(), entry.sha256.size());
  entry.user = user;
  entry.expires_ms = expires_ms;
  const std::uint64_t id_hash = hash_bytes(key_, id), secret_hash = hash_bytes(key_, sha256);
  by_id_.insert(id_hash, index_slot(id_hash, i));
  by_secret_.insert(secret_hash, index_slot(secret_hash, i));
}

bool TokenTable::drop(std::string_view id) {
  const std::uint64_t slot = slot_of_id(id);
  if (slot == 0) return false;
  const std::uint32_t i = index_entry(slot);
  const auto is_it = [i](std::uint64_t s) { return index_entry(s) == i; };
  by_secret_.erase(hash_bytes(key_, entries_[i].secret()), is_it);
  by_id_.erase(hash_bytes(key_, id), is_it);
  entries_[i].id.clear();
  entries_[i].id.set_tag(0);
  free_.push_back(i);
  return true;
}

std::size_t TokenTable::memory_bytes() const {
  return entries_.memory_bytes() + by_id_.memory_bytes() + by_secret_.memory_bytes() +
         free_.capacity() * sizeof free_[0];
}

}  // namespace parley::plugin
