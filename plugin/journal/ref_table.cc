#include "plugin/journal/ref_table.h"

#include <algorithm>
#include <cstring>

namespace parley::plugin {
namespace {

constexpr int kDropsPerInsert =
    4;  // expired refs go a few at a time: faster than they come, never in one stall

}  // namespace

RefTable::RefTable(std::chrono::milliseconds window, std::size_t max)
    : window_ms_(std::max<std::int64_t>(window.count(), 0)),
      max_(std::clamp<std::size_t>(max, 1, 1u << 30)) {}

std::uint64_t RefTable::index_hash(const wire::RefHash& hash) const {
  std::uint64_t half[2];
  std::memcpy(half, hash.data(), sizeof half);
  const std::uint64_t h = mix(mix(half[0], secret_[0]) ^ half[1], secret_[1]);
  return static_cast<std::uint32_t>(h) != 0 ? h : h | 1;
}

std::optional<std::uint64_t> RefTable::find(const wire::RefHash& hash, WallTime now) const {
  const std::uint64_t h = index_hash(hash);
  const auto same = [&](const Slot& s) {
    return s.tag == static_cast<std::uint32_t>(h) && ref(position(s.place)).hash == hash;
  };
  const Slot* slot = index_.find(h, same);
  if (slot == nullptr) return std::nullopt;
  const UsedRef& used = ref(position(slot->place));
  if (expired(used, std::max(clock_ms_, to_ms(now)))) return std::nullopt;
  return used.seq;
}

void RefTable::see(std::int64_t at_ms) {
  clock_ms_ = std::max(clock_ms_, at_ms);
}

void RefTable::insert(const wire::RefHash& hash, std::uint64_t seq, std::int64_t at_ms) {
  see(at_ms);
  make_room();
  const std::uint64_t h = index_hash(hash);
  const std::uint32_t place = static_cast<std::uint32_t>(tail_);
  Slot* slot = index_.find(h, [&](const Slot& s) {
    return s.tag == static_cast<std::uint32_t>(h) && ref(position(s.place)).hash == hash;
  });
  push(UsedRef{hash, seq, clock_ms_});
  if (slot != nullptr) {
    slot->place = place;
  } else {
    index_.insert(h, Slot{static_cast<std::uint32_t>(h), place});
  }
}

void RefTable::make_room() {
  for (int i = 0; i < kDropsPerInsert && head_ != tail_ && expired(ref(head_), clock_ms_); ++i) drop_oldest();
  while (tail_ - head_ >= max_) {
    const bool early = !expired(ref(head_), clock_ms_);
    if (drop_oldest() && early) ++evicted_;
  }
}

// False when the oldest place was left behind already, so that nothing was forgotten.
bool RefTable::drop_oldest() {
  const std::uint64_t h = index_hash(ref(head_).hash);
  const std::uint32_t place = static_cast<std::uint32_t>(head_);
  Slot* slot = index_.find(
      h, [&](const Slot& s) { return s.tag == static_cast<std::uint32_t>(h) && s.place == place; });
  if (slot != nullptr) index_.erase(h, slot);
  ++head_;
  if (head_ % kBlock == 0) {
    spare_block_ = std::move(blocks_.front());
    blocks_.pop_front();
  }
  return slot != nullptr;
}

void RefTable::push(const UsedRef& used) {
  if (tail_ % kBlock == 0) {
    blocks_.push_back(spare_block_ ? std::move(spare_block_) : std::make_unique<UsedRef[]>(kBlock));
  }
  blocks_.back()[tail_ % kBlock] = used;
  ++tail_;
}

}  // namespace parley::plugin
