#pragma once
#include <cassert>
#include <cstddef>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace parley::plugin {

// Hash for string keys that are looked up by string_view without a copy.
struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

template <class Key>
struct LruHash : std::hash<Key> {};
template <>
struct LruHash<std::string> : StringHash {};

// A map that holds at most `capacity` entries: a new one pushes out the one not used for longest. Memory
// grows with the entries, never above the capacity. Not thread-safe; a pointer given out is good until the
// next insert or erase.
template <class Key, class Value, class Hash = LruHash<Key>>
class LruMap {
 public:
  explicit LruMap(std::size_t capacity) : capacity_(capacity) { assert(capacity > 0); }
  LruMap(const LruMap&) = delete;
  LruMap& operator=(const LruMap&) = delete;

  // nullptr when `key` is not there; otherwise the entry is now the last to be pushed out.
  template <class K>
  Value* find(const K& key) {
    auto it = entries_.find(key);
    if (it == entries_.end()) return nullptr;
    order_.splice(order_.end(), order_, it->second.place);
    return &it->second.value;
  }

  // `key` must not be there.
  Value& insert(Key key, Value value) {
    if (entries_.size() >= capacity_) push_out_oldest();
    auto [it, added] = entries_.emplace(std::move(key), Entry{std::move(value), {}});
    assert(added);
    it->second.place = order_.insert(order_.end(), &it->first);
    return it->second.value;
  }

  template <class K>
  void erase(const K& key) {
    auto it = entries_.find(key);
    if (it == entries_.end()) return;
    order_.erase(it->second.place);
    entries_.erase(it);
  }

  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Value value;
    typename std::list<const Key*>::iterator place;
  };

  void push_out_oldest() {
    auto it = entries_.find(*order_.front());
    order_.pop_front();
    entries_.erase(it);
  }

  std::size_t capacity_;
  std::list<const Key*> order_;  // the one not used for longest first
  std::unordered_map<Key, Entry, Hash, std::equal_to<>> entries_;
};

}  // namespace parley::plugin
