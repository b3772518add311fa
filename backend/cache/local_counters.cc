#include "backend/cache/local_counters.h"

#include <algorithm>

namespace parley::backend {

bool LocalCounters::take(const std::string& counter, const Rate& rate) {
  using std::chrono::duration_cast, std::chrono::microseconds;
  const auto now = duration_cast<microseconds>(clock_.steady().time_since_epoch()).count();
  const std::int64_t price = 1'000'000 / std::max(rate.per_s, 1u);
  std::lock_guard lock(mutex_);
  const auto* known = paid_at_us_.find(counter);
  const auto paid_at = std::max(known ? *known : now, now) + price;
  if (paid_at - now > price * std::max(rate.burst, 1u)) return false;
  paid_at_us_.put(counter, paid_at);
  if (paid_at_us_.size() > kCountersMax) paid_at_us_.erase(std::string(paid_at_us_.oldest().first));
  return true;
}

}  // namespace parley::backend
