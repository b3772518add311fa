#include "backend/metrics/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::backend {
namespace {

using testing::HasSubstr;

TEST(Metrics, the_same_name_and_labels_are_the_same_series) {
  Metrics metrics;
  metrics.counter("parley_things_total", "Things.", {{"kind", "a"}}).add(2);
  const auto again = metrics.counter("parley_things_total", "Things.", {{"kind", "a"}});
  again.add();
  metrics.counter("parley_things_total", "Things.", {{"kind", "b"}}).add();
  EXPECT_EQ(again.value(), 3);
  EXPECT_THAT(metrics.text(), HasSubstr("parley_things_total{kind=\"a\"} 3"));
  EXPECT_THAT(metrics.text(), HasSubstr("parley_things_total{kind=\"b\"} 1"));
}

TEST(Metrics, histograms_show_their_buckets) {
  Metrics metrics;
  metrics.histogram("parley_wait_seconds", "Waiting.").observe(0.003);
  EXPECT_THAT(metrics.text(), HasSubstr("parley_wait_seconds_bucket{le=\"0.002\"} 0"));
  EXPECT_THAT(metrics.text(), HasSubstr("parley_wait_seconds_bucket{le=\"0.005\"} 1"));
}

TEST(Metrics, a_handle_from_nowhere_counts_nowhere) {
  Counter().add();
  Gauge().set(1);
  Histogram().observe(1);
  EXPECT_EQ(Counter().value(), 0);
}

}  // namespace
}  // namespace parley::backend
