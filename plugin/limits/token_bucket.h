#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "base/clock.h"
#include "plugin/limits/lru_map.h"

namespace parley::plugin {

// How much may pass: `burst` at once, `per_second` in the long run. per_second 0 (or less): no limit. A burst
// below 1 counts as 1.
struct RateLimit {
  double per_second = 0;
  double burst = 1;
};

// One bucket of tokens, full to begin with. A value of 8 bytes beside its limit, kept as the moment at which
// it will be full again (the generic cell rate algorithm, ITU-T I.371). Pure: time is passed in, in any order
// (an earlier `now` adds nothing).
class TokenBucket {
 public:
  // The limit in the form a bucket counts in; made once, shared by all buckets of a kind.
  class Pace {
   public:
    explicit Pace(RateLimit limit);
    bool unlimited() const { return per_token_.count() == 0; }

   private:
    friend class TokenBucket;
    std::chrono::nanoseconds per_token_{0};  // 0: no limit
    std::chrono::nanoseconds whole_{0};      // from empty to full
  };

  // Takes `cost` tokens and says true, or takes none and says false. A cost above the burst takes the whole
  // bucket.
  bool try_take(const Pace& pace, SteadyTime now, std::uint32_t cost = 1);
  bool full(SteadyTime now) const { return full_at_ <= now; }

 private:
  SteadyTime full_at_ = SteadyTime::min();
};

inline constexpr std::size_t kRateLimiterEntriesDefault = 100'000;

// Token buckets by key: a user (folded name), a room's number. Bounded: at `entries_max` keys the one not
// seen for longest is forgotten, and finds a full bucket when it comes back; so with more than `entries_max`
// keys active at once the limit is not kept for all of them. About 150 bytes an entry. Not thread-safe; never
// blocks.
template <class Key = std::string>
class RateLimiter {
 public:
  explicit RateLimiter(RateLimit limit, std::size_t entries_max = kRateLimiterEntriesDefault)
      : pace_(limit), buckets_(entries_max) {}

  // True when `cost` tokens were taken. Lookups by string_view do not copy.
  template <class K>
  bool try_take(const K& key, SteadyTime now, std::uint32_t cost = 1) {
    if (pace_.unlimited()) return true;
    TokenBucket* bucket = buckets_.find(key);
    if (bucket == nullptr) bucket = &buckets_.insert(Key(key), TokenBucket{});
    return bucket->try_take(pace_, now, cost);
  }

  std::size_t size() const { return buckets_.size(); }

  // From now on; what was taken stays taken.
  void set_limit(RateLimit limit) { pace_ = TokenBucket::Pace(limit); }

 private:
  TokenBucket::Pace pace_;
  LruMap<Key, TokenBucket> buckets_;
};

}  // namespace parley::plugin
