#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace parley::plugin {

// Scrambles what a client may have chosen, so that nobody outside can aim at one slot. `secret` is random per
// process.
inline std::uint64_t mix(std::uint64_t value, std::uint64_t secret) {
  value ^= secret;
  value = (value ^ (value >> 32)) * 0xd6e8feb86659fd93ULL;
  value = (value ^ (value >> 32)) * 0xd6e8feb86659fd93ULL;
  return value ^ (value >> 32);
}

// A hash table that grows one small shard at a time, so that no insert takes longer than rehashing
// elements / 2^kShardBits of them. Open addressing, linear probing, no tombstones.
// Slot: trivially copyable, all zeros when empty; `bool empty() const`, `std::uint32_t home() const`: the low
// 32 bits of its hash. The shard is chosen by the top bits. Memory is never given back. Not thread-safe.
template <class Slot, unsigned kShardBits>
class ShardedMap {
 public:
  std::size_t size() const { return size_; }

  template <class Same>
  const Slot* find(std::uint64_t hash, Same same) const {
    const Shard& shard = shards_[shard_of(hash)];
    if (shard.count == 0) return nullptr;
    for (std::size_t i = hash & shard.mask;; i = (i + 1) & shard.mask) {
      if (shard.slots[i].empty()) return nullptr;
      if (same(shard.slots[i])) return &shard.slots[i];
    }
  }
  template <class Same>
  Slot* find(std::uint64_t hash, Same same) {
    return const_cast<Slot*>(
        std::as_const(*this).find(hash, same));  // NOLINT(cppcoreguidelines-pro-type-const-cast)
  }

  // `slot` must not be there yet; slot.home() must be the low 32 bits of `hash`.
  void insert(std::uint64_t hash, const Slot& slot) {
    Shard& shard = shards_[shard_of(hash)];
    if (shard.full()) shard.grow();
    shard.place(slot);
    ++shard.count;
    ++size_;
  }

  // `slot` must be what find(hash, …) gave. Other slots of the shard may move.
  void erase(std::uint64_t hash, Slot* slot) {
    Shard& shard = shards_[shard_of(hash)];
    shard.close_gap(static_cast<std::size_t>(slot - shard.slots.get()));
    --shard.count;
    --size_;
  }

  template <class Visit>
  void for_each(Visit visit) const {
    for (const Shard& shard : shards_) {
      if (shard.count == 0) continue;
      for (std::size_t i = 0; i <= shard.mask; ++i) {
        if (!shard.slots[i].empty()) visit(shard.slots[i]);
      }
    }
  }

 private:
  static constexpr std::size_t kFirstSlots = 8;

  struct Shard {
    std::unique_ptr<Slot[]> slots;
    std::size_t mask = 0;
    std::size_t count = 0;

    bool full() const { return !slots || (count + 1) * 10 > (mask + 1) * 7; }

    void grow() {
      const std::size_t before = slots ? mask + 1 : 0;
      const std::unique_ptr<Slot[]> old = std::move(slots);
      const std::size_t after = before == 0 ? kFirstSlots : before * 2;
      slots = std::make_unique<Slot[]>(after);
      mask = after - 1;
      for (std::size_t i = 0; i < before; ++i) {
        if (!old[i].empty()) place(old[i]);
      }
    }

    void place(const Slot& slot) {
      std::size_t i = slot.home() & mask;
      while (!slots[i].empty()) i = (i + 1) & mask;
      slots[i] = slot;
    }

    // Moves the slots behind back over `gap`, as far as each may go without passing its home.
    void close_gap(std::size_t gap) {
      for (std::size_t i = (gap + 1) & mask; !slots[i].empty(); i = (i + 1) & mask) {
        const std::size_t home = slots[i].home() & mask;
        if (((i - home) & mask) >= ((i - gap) & mask)) {
          slots[gap] = slots[i];
          gap = i;
        }
      }
      slots[gap] = Slot{};
    }
  };

  static std::size_t shard_of(std::uint64_t hash) {
    return static_cast<std::size_t>(hash >> (64 - kShardBits));
  }

  std::array<Shard, std::size_t{1} << kShardBits> shards_;
  std::size_t size_ = 0;
};

}  // namespace parley::plugin
