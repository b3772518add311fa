#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/clock.h"

namespace parley::backend {

// So many a second, a twentieth of it at once. Who spends more than is left waits the longer. Not thread-safe.
class Pace {
 public:
  explicit Pace(std::uint32_t per_s) { set(per_s); }

  // From now on; what was spent stays spent.
  void set(std::uint32_t per_s) {
    price_ = std::chrono::nanoseconds(1'000'000'000) / std::max(per_s, 1u);
    at_once_ = std::max(per_s / 20, 1u);
  }

  std::uint32_t left(SteadyTime now) const { return free_at_ <= now ? at_once_ : 0; }
  void spend(std::uint32_t count, SteadyTime now) { free_at_ = std::max(free_at_, now) + price_ * count; }
  SteadyTime next() const { return free_at_; }  // when something is left again

 private:
  std::chrono::nanoseconds price_{};
  std::uint32_t at_once_ = 1;
  SteadyTime free_at_{};
};

}  // namespace parley::backend
