#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/circuit_breaker.h"

namespace parley {

// Something a program needs and may have to do without for a while: the store, the cache, the broker link.
struct Dependency {
  std::string name;                         // "store"; a label of metrics: from a small fixed set
  std::function<BreakerReading()> reading;  // thread-safe, does not block
};

// parley_breaker_state (0 closed, 1 half-open, 2 open), parley_breaker_transitions_total and
// parley_breaker_refused_total of each, in the Prometheus text format 0.0.4.
std::string dependency_metrics(const std::vector<Dependency>& dependencies);

}  // namespace parley
