#include "plugin/limits/token_bucket.h"

#include <algorithm>

namespace parley::plugin {
namespace {

constexpr double kWholeMax_ns = 1e17;  // three years: keeps every sum of times far from overflow

}  // namespace

TokenBucket::Pace::Pace(RateLimit limit) {
  if (!(limit.per_second > 0)) return;
  double per_token_ns = std::clamp(1e9 / limit.per_second, 1.0, kWholeMax_ns);
  double whole_ns = std::min(per_token_ns * std::max(limit.burst, 1.0), kWholeMax_ns);
  per_token_ = std::chrono::nanoseconds{static_cast<std::int64_t>(per_token_ns)};
  whole_ = std::chrono::nanoseconds{static_cast<std::int64_t>(whole_ns)};
}

bool TokenBucket::try_take(const Pace& pace, SteadyTime now, std::uint32_t cost) {
  if (pace.unlimited()) return true;
  // Dividing before multiplying: `cost` tokens may be worth more nanoseconds than an integer holds.
  bool fits = cost <= pace.whole_ / pace.per_token_;
  std::chrono::nanoseconds price = fits ? pace.per_token_ * cost : pace.whole_;
  SteadyTime full_at = std::max(full_at_, now) + price;
  if (full_at - now > pace.whole_) return false;
  full_at_ = full_at;
  return true;
}

}  // namespace parley::plugin
