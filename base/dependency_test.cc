#include "base/dependency.h"

#include <gtest/gtest.h>

namespace parley {
namespace {

TEST(Dependency, metrics_show_state_and_transitions_of_each) {
  const std::vector<Dependency> all{
      {"store", [] { return BreakerReading{}; }},
      {"cache",
       [] {
         return BreakerReading{
             .state = BreakerState::open, .opened = 3, .half_opened = 2, .closed = 1, .refused = 9};
       }},
  };
  EXPECT_EQ(dependency_metrics(all),
            "# HELP parley_breaker_state How a dependency stands: 0 closed (it works), 1 half-open, 2 open.\n"
            "# TYPE parley_breaker_state gauge\n"
            "parley_breaker_state{dependency=\"store\"} 0\n"
            "parley_breaker_state{dependency=\"cache\"} 2\n"
            "# HELP parley_breaker_transitions_total Times it came into the state `to`.\n"
            "# TYPE parley_breaker_transitions_total counter\n"
            "parley_breaker_transitions_total{dependency=\"store\",to=\"closed\"} 0\n"
            "parley_breaker_transitions_total{dependency=\"store\",to=\"half_open\"} 0\n"
            "parley_breaker_transitions_total{dependency=\"store\",to=\"open\"} 0\n"
            "parley_breaker_transitions_total{dependency=\"cache\",to=\"closed\"} 1\n"
            "parley_breaker_transitions_total{dependency=\"cache\",to=\"half_open\"} 2\n"
            "parley_breaker_transitions_total{dependency=\"cache\",to=\"open\"} 3\n"
            "# HELP parley_breaker_refused_total Calls not made because it was open.\n"
            "# TYPE parley_breaker_refused_total counter\n"
            "parley_breaker_refused_total{dependency=\"store\"} 0\n"
            "parley_breaker_refused_total{dependency=\"cache\"} 9\n");
}

}  // namespace
}  // namespace parley
