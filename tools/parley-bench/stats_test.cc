#include "tools/parley-bench/stats.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace parley::bench {
namespace {

using std::chrono::nanoseconds;

TEST(Rounds, median_minimum_and_maximum) {
  Rounds rounds;
  EXPECT_EQ(rounds.median(), 0);
  rounds.add(3);
  EXPECT_EQ(rounds.median(), 3);
  rounds.add(1);
  EXPECT_EQ(rounds.median(), 2);
  rounds.add(10);
  EXPECT_EQ(rounds.median(), 3);
  EXPECT_EQ(rounds.min(), 1);
  EXPECT_EQ(rounds.max(), 10);
}

TEST(LatencyHistogram, an_empty_one_has_no_percentiles) {
  EXPECT_EQ(LatencyHistogram().percentile(0.5), nanoseconds(0));
}

TEST(LatencyHistogram, small_values_are_exact) {
  LatencyHistogram latency;
  for (int ns = 1; ns <= 60; ++ns) latency.add(nanoseconds(ns));
  EXPECT_EQ(latency.percentile(0.5), nanoseconds(30));
  EXPECT_EQ(latency.percentile(1), nanoseconds(60));
  EXPECT_EQ(latency.percentile(0), nanoseconds(1));
}

TEST(LatencyHistogram, percentiles_are_right_to_three_in_a_hundred) {
  constexpr unsigned kSeed = 7;
  std::mt19937_64 random(kSeed);
  LatencyHistogram latency;
  std::vector<std::int64_t> all;
  for (int i = 0; i < 20'000; ++i) {
    const auto ns = static_cast<std::int64_t>(random() >> (24 + random() % 38));
    all.push_back(ns);
    latency.add(nanoseconds(ns));
  }
  std::ranges::sort(all);
  for (const double fraction : {0.01, 0.25, 0.5, 0.9, 0.99, 0.999}) {
    const auto exact =
        all[static_cast<std::size_t>(std::ceil(fraction * static_cast<double>(all.size()))) - 1];
    const auto found = latency.percentile(fraction).count();
    EXPECT_GE(found, exact) << "seed " << kSeed;
    EXPECT_LE(static_cast<double>(found), static_cast<double>(exact) * 1.035 + 1) << "seed " << kSeed;
  }
  EXPECT_EQ(latency.percentile(1).count(), all.back());
  EXPECT_EQ(latency.max().count(), all.back());
}

TEST(LatencyHistogram, what_is_out_of_range_is_kept_at_its_ends) {
  LatencyHistogram latency;
  latency.add(nanoseconds(-5));
  latency.add(std::chrono::hours(100));
  EXPECT_EQ(latency.count(), 2u);
  EXPECT_EQ(latency.percentile(0.5), nanoseconds(0));
  EXPECT_GE(latency.percentile(1), std::chrono::seconds(4000));
}

TEST(FormatNumber, three_digits_are_told) {
  const std::pair<double, const char*> cases[] = {
      {0, "0"},           {0.01234, "0.0123"},      {0.5, "0.500"},   {1, "1.00"},
      {12.345, "12.3"},   {99.96, "100"},           {999.6, "1,000"}, {1234, "1,230"},
      {54'321, "54,300"}, {1'234'567, "1,230,000"}, {-5432, "-5,430"}};
  for (const auto& [value, text] : cases) EXPECT_EQ(format_number(value), text);
}

}  // namespace
}  // namespace parley::bench
