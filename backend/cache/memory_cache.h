#pragma once
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>

#include "backend/cache/cache.h"
#include "backend/cache/local_counters.h"
#include "backend/cache/lru.h"
#include "base/clock.h"

namespace parley::backend {

// The cache of one process: rooms by last use, within `bytes_max` of memory all told. Never unavailable, never
// blocks but for its mutex. Values are bounded apart, by their number.
class MemoryCache final : public Cache {
 public:
  static constexpr std::size_t kValuesMax = 100'000;  // those longest unused go first

  MemoryCache(std::size_t bytes_max, const TailLimits& tail, const Clock& clock);

  Result<std::vector<std::string>> find(const RoomKey& key, std::uint64_t newest, SeqRange range) override;
  Result<> fill(const RoomKey& key, std::uint64_t first, std::span<const std::string> envelopes) override;
  Result<> extend(std::uint64_t lease, std::span<const wire::Record> records) override;
  Result<> drop(std::uint64_t lease, std::span<const std::uint64_t> rooms) override;
  Result<> put_values(std::span<const NamedValue> values, std::chrono::milliseconds expiry) override;
  Result<std::vector<std::optional<std::string>>> values(std::span<const std::string> names) override;
  bool take(const std::string& counter, const Rate& rate) override { return counters_.take(counter, rate); }
  Dependency dependency() override {
    return {"cache", [] { return BreakerReading{}; }};
  }

  std::size_t bytes() const;  // what it is held to weigh

 private:
  struct Tail {
    std::uint64_t lease = 0;
    std::string epoch{};
    std::uint64_t end = 0;  // one after the last seq
    std::deque<std::string> envelopes{};
    std::size_t bytes = 0;
  };

  void add(Tail& tail, std::string_view envelope);
  void drop(std::uint64_t room_id);
  void trim(std::uint64_t room_id, Tail& tail);

  struct Value {
    std::string text;
    SteadyTime until;
  };

  const Clock& clock_;
  const std::size_t bytes_max_;
  const TailLimits limits_;
  mutable std::mutex mutex_;
  Lru<std::uint64_t, Tail> rooms_;
  std::size_t bytes_ = 0;
  Lru<std::string, Value> values_;
  LocalCounters counters_;
};

}  // namespace parley::backend
