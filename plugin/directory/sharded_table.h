#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <utility>

namespace parley::plugin {

// A hash table of non-zero 64-bit slots in 4,096 shards, each open addressing with linear probing. What a
// slot means is its owner's business; `Home` tells from a slot where in its shard it belongs (the upper 32
// bits of its hash), so a shard grows without asking anybody.
//
// Not thread-safe; const access from several threads is fine. No call does more than rebuild one shard: at
// ten million slots some 2,400 of them, about 10 µs. Load is between 3/8 and 3/4 once a shard is in use,
// 11-21 bytes a slot; shards do not shrink.
template <class Home>
class ShardedTable {
 public:
  static constexpr std::size_t kShards = 4096;

  explicit ShardedTable(Home home = Home()) : home_(home), shards_(std::make_unique<Shards>()) {}

  // The slot of hash `hash` for which match(slot) holds; 0 when there is none.
  template <class Match>
  std::uint64_t find(std::uint64_t hash, Match match) const {
    const Shard& shard = shard_of(hash);
    if (!shard.slots) return 0;
    for (std::uint32_t i = home(hash) & shard.mask();; i = (i + 1) & shard.mask()) {
      const std::uint64_t slot = shard.slots[i];
      if (slot == 0 || match(slot)) return slot;
    }
  }

  // Brings the place where the search for `hash` begins into the cache.
  void prefetch(std::uint64_t hash) const {
    const Shard& shard = shard_of(hash);
    if (shard.slots) __builtin_prefetch(&shard.slots[home(hash) & shard.mask()]);
  }

  // Adds a slot that is not there yet. When the shard is full, slots for which stale(slot) holds are left
  // behind.
  template <class Stale>
  void insert(std::uint64_t hash, std::uint64_t slot, Stale stale) {
    Shard& shard = shard_of(hash);
    if ((shard.used + 1) * 4 > shard.capacity * 3) make_room(shard, stale);
    place(shard, slot);
    ++shard.used;
  }
  void insert(std::uint64_t hash, std::uint64_t slot) {
    insert(hash, slot, [](std::uint64_t) { return false; });
  }

  // Puts `slot` in the place of the one that matches; both have the same hash. False when none matches.
  template <class Match>
  bool replace(std::uint64_t hash, std::uint64_t slot, Match match) {
    std::uint64_t* at = locate(shard_of(hash), hash, match);
    if (at) *at = slot;
    return at != nullptr;
  }

  template <class Match>
  bool erase(std::uint64_t hash, Match match) {
    Shard& shard = shard_of(hash);
    std::uint64_t* at = locate(shard, hash, match);
    if (!at) return false;
    close_gap(shard, static_cast<std::uint32_t>(at - shard.slots.get()));
    --shard.used;
    return true;
  }

  template <class Visit>
  void for_each(Visit visit) const {
    for (const Shard& shard : *shards_) {
      for (std::uint32_t i = 0; i < shard.capacity; ++i) {
        if (shard.slots[i] != 0) visit(shard.slots[i]);
      }
    }
  }

  std::size_t memory_bytes() const {
    std::size_t bytes = sizeof(Shards);
    for (const Shard& shard : *shards_) bytes += shard.capacity * sizeof(std::uint64_t);
    return bytes;
  }

 private:
  struct Shard {
    std::unique_ptr<std::uint64_t[]> slots;
    std::uint32_t capacity = 0;  // 0 or a power of two
    std::uint32_t used = 0;
    std::uint32_t mask() const { return capacity - 1; }
  };
  using Shards = std::array<Shard, kShards>;
  static constexpr std::uint32_t kCapacityMin = 4;

  static std::uint32_t home(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }
  Shard& shard_of(std::uint64_t hash) { return (*shards_)[hash % kShards]; }
  const Shard& shard_of(std::uint64_t hash) const { return (*shards_)[hash % kShards]; }

  template <class Match>
  static std::uint64_t* locate(Shard& shard, std::uint64_t hash, Match match) {
    if (!shard.slots) return nullptr;
    for (std::uint32_t i = home(hash) & shard.mask(); shard.slots[i] != 0; i = (i + 1) & shard.mask()) {
      if (match(shard.slots[i])) return &shard.slots[i];
    }
    return nullptr;
  }

  void place(Shard& shard, std::uint64_t slot) {
    std::uint32_t i = home_(slot) & shard.mask();
    while (shard.slots[i] != 0) i = (i + 1) & shard.mask();
    shard.slots[i] = slot;
  }

  template <class Stale>
  void make_room(Shard& shard, Stale stale) {
    std::uint32_t live = 0;
    for (std::uint32_t i = 0; i < shard.capacity; ++i) live += shard.slots[i] != 0 && !stale(shard.slots[i]);
    std::uint32_t capacity = shard.capacity == 0 ? kCapacityMin : shard.capacity;
    // Not merely enough for one more: or a shard at the brim would be rebuilt at each insert.
    if ((live + 1) * 8 > capacity * 5) capacity *= 2;
    Shard fresh{std::make_unique<std::uint64_t[]>(capacity), capacity, live};
    for (std::uint32_t i = 0; i < shard.capacity; ++i) {
      if (shard.slots[i] != 0 && !stale(shard.slots[i])) place(fresh, shard.slots[i]);
    }
    shard = std::move(fresh);
  }

  // Empties place `gap` and moves back what had been pushed beyond it, so that no search ends too early.
  void close_gap(Shard& shard, std::uint32_t gap) {
    const std::uint32_t mask = shard.mask();
    for (std::uint32_t i = (gap + 1) & mask; shard.slots[i] != 0; i = (i + 1) & mask) {
      const std::uint32_t pushed = (i - home_(shard.slots[i])) & mask;
      if (pushed < ((i - gap) & mask)) continue;
      shard.slots[gap] = shard.slots[i];
      gap = i;
    }
    shard.slots[gap] = 0;
  }

  Home home_;
  std::unique_ptr<Shards> shards_;
};

// Slots of an index onto entries kept elsewhere: the hash's upper half and the entry's number.
struct IndexHome {
  std::uint32_t operator()(std::uint64_t slot) const { return static_cast<std::uint32_t>(slot >> 32); }
};
using IndexTable = ShardedTable<IndexHome>;

inline std::uint64_t index_slot(std::uint64_t hash, std::uint32_t entry) {
  return (hash & 0xffffffff00000000u) | (entry + 1u);  // + 1: a slot is never 0
}
inline std::uint32_t index_entry(std::uint64_t slot) {
  return static_cast<std::uint32_t>(slot) - 1u;
}
inline bool same_hash(std::uint64_t slot, std::uint64_t hash) {
  return (slot >> 32) == (hash >> 32);
}

}  // namespace parley::plugin
