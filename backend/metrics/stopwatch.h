#pragma once
#include <chrono>

#include "backend/metrics/metrics.h"
#include "base/clock.h"

namespace parley::backend {

// Measures how long calls of one operation take. Thread-safe. The clock must outlive it.
class Stopwatch {
 public:
  Stopwatch(const Histogram& seconds, const Clock& clock) : seconds_(seconds), clock_(clock) {}

  template <class Call>
  auto operator()(Call&& call) const {
    const auto begun = clock_.steady();
    auto result = std::forward<Call>(call)();
    seconds_.observe(std::chrono::duration<double>(clock_.steady() - begun).count());
    return result;
  }

 private:
  const Histogram seconds_;
  const Clock& clock_;
};

}  // namespace parley::backend
