#pragma once
#include <cstddef>
#include <list>
#include <unordered_map>
#include <utility>

namespace parley::backend {

// A map that knows which entry was not used for longest. Not thread-safe. The caller keeps it bounded.
template <class Key, class Value>
class Lru {
 public:
  // The entry, which is now the newest; nullptr when there is none. Valid until it is erased.
  Value* find(const Key& key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->second;
  }
  // Sets it, as the newest.
  Value& put(const Key& key, Value value) {
    if (auto* found = find(key)) return *found = std::move(value);
    entries_.emplace_front(key, std::move(value));
    index_.emplace(key, entries_.begin());
    return entries_.front().second;
  }
  void erase(const Key& key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return;
    entries_.erase(found->second);
    index_.erase(found);
  }
  // The entry longest unused; there must be one.
  const std::pair<const Key, Value>& oldest() const { return entries_.back(); }
  std::size_t size() const { return index_.size(); }

 private:
  using Entries = std::list<std::pair<const Key, Value>>;
  Entries entries_;  // newest first
  std::unordered_map<Key, typename Entries::iterator> index_;
};

}  // namespace parley::backend
