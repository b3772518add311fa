#pragma once
#include <cstdint>
#include <mutex>
#include <string>

#include "backend/cache/cache.h"
#include "backend/cache/lru.h"
#include "base/clock.h"

namespace parley::backend {

// Cache::take within one process, by the generic cell rate algorithm (ITU-T I.371): of each counter only the
// moment at which it will have paid for everything taken. At most kCountersMax counters; beyond, the one
// longest unused begins anew. Thread-safe, does not block. `clock` must outlive it.
class LocalCounters {
 public:
  static constexpr std::size_t kCountersMax = 100'000;

  explicit LocalCounters(const Clock& clock) : clock_(clock) {}
  bool take(const std::string& counter, const Rate& rate);

 private:
  const Clock& clock_;
  std::mutex mutex_;
  Lru<std::string, std::int64_t> paid_at_us_;
};

}  // namespace parley::backend
