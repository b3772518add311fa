#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/crypto.h"
#include "plugin/journal/sharded_table.h"
#include "wire/record.h"

namespace parley::plugin {

// A ref that was used, as it stands in memory and in a checkpoint.
struct UsedRef {
  wire::RefHash hash{};
  std::uint64_t seq = 0;
  std::int64_t at_ms = 0;  // by the table's own clock, see below
};
static_assert(sizeof(UsedRef) == 32);

// The refs of the last `window`, and the numbers their messages got.
//
// Time is that of the records and of lookups, held where it is while the wall clock is behind it: a clock set
// back makes refs live longer, and what has expired never comes back. A clock set ahead makes them expire
// early; nothing else is to be had from a wall clock. At `max` refs the oldest go early, counted in
// evicted(). About 45 bytes each; one insert allocates at most one block of 32 KiB or moves 1/2048 of the
// index. Not thread-safe.
class RefTable {
 public:
  RefTable(std::chrono::milliseconds window, std::size_t max);

  // The seq of the message that used `hash` within the window.
  std::optional<std::uint64_t> find(const wire::RefHash& hash, WallTime now) const;
  // Takes the place of an older use of the same hash.
  void insert(const wire::RefHash& hash, std::uint64_t seq, std::int64_t at_ms);
  // A record without a ref also tells the time.
  void see(std::int64_t at_ms);

  std::int64_t clock_ms() const { return clock_ms_; }
  std::size_t size() const { return index_.size(); }
  std::uint64_t evicted() const { return evicted_; }

  template <class Visit>  // visit(const UsedRef&), oldest first, expired ones left out
  void for_each(Visit visit) const {
    for (std::uint64_t i = head_; i != tail_; ++i) {
      if (!expired(ref(i), clock_ms_)) visit(ref(i));
    }
  }

 private:
  struct Slot {
    std::uint32_t tag = 0;    // low half of the hash; never 0
    std::uint32_t place = 0;  // low half of the position in the queue
    bool empty() const { return tag == 0; }
    std::uint32_t home() const { return tag; }
  };
  static constexpr std::size_t kBlock = 1024;  // refs

  std::uint64_t index_hash(const wire::RefHash& hash) const;
  const UsedRef& ref(std::uint64_t at) const { return blocks_[at / kBlock - head_ / kBlock][at % kBlock]; }
  std::uint64_t position(std::uint32_t place) const {
    return head_ + static_cast<std::uint32_t>(place - static_cast<std::uint32_t>(head_));
  }
  bool expired(const UsedRef& used, std::int64_t now_ms) const { return now_ms - used.at_ms >= window_ms_; }
  bool drop_oldest();
  void make_room();
  void push(const UsedRef& used);

  std::int64_t window_ms_;
  std::size_t max_;
  std::uint64_t secret_[2] = {random_u64(), random_u64()};
  // A queue in order of use, in blocks; the index points into it. A place whose hash was used again is left
  // behind by the index.
  std::deque<std::unique_ptr<UsedRef[]>> blocks_;
  std::unique_ptr<UsedRef[]> spare_block_;
  std::uint64_t head_ = 0, tail_ = 0;
  ShardedMap<Slot, 9> index_;
  std::int64_t clock_ms_ = 0;
  std::uint64_t evicted_ = 0;
};

}  // namespace parley::plugin
