#include "tools/parley-bench/report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace parley::bench {
namespace {

Report example() {
  Report report("throughput");
  report.parameter("QoS", "1");
  report.parameter("rooms", "10");
  for (const double value : {70'000, 74'000, 72'000}) report.add("delivered", "messages/s", "bare", value);
  for (const double value : {54'000, 50'000, 58'000}) report.add("delivered", "messages/s", "parley", value);
  report.add("stored", "rows/s", "parley", 40'000);
  report.note("All were stored.");
  return report;
}

TEST(Report, the_table_has_a_row_for_each_contender_and_the_ratio_to_bare) {
  EXPECT_EQ(example().table(),
            "throughput: QoS 1, rooms 10\n"
            "\n"
            "measure                 contender  median     min     max  / bare  of rounds\n"
            "delivered (messages/s)  bare       72,000  70,000  74,000    1.00\n"
            "delivered (messages/s)  parley     54,000  50,000  58,000    0.75  0.68-0.81\n"
            "stored (rows/s)         parley     40,000  40,000  40,000\n"
            "\n"
            "All were stored.\n");
}

TEST(Report, a_measure_may_have_a_baseline_of_its_own) {
  Report report("store");
  report.add("beside", "rows/s", "alone", 1000);
  report.add("beside", "rows/s", "parley", 900);
  report.set_baseline_of("beside", "alone");
  EXPECT_EQ(report.json()["results"][1]["ratio"], 0.9);
}

TEST(Report, json_says_the_same_and_every_round) {
  const auto json = example().json();
  EXPECT_EQ(json["scenario"], "throughput");
  EXPECT_EQ(json["parameters"]["rooms"], "10");
  EXPECT_EQ(json["results"][1]["contender"], "parley");
  EXPECT_EQ(json["results"][1]["median"], 54'000);
  EXPECT_EQ(json["results"][1]["ratio"], 0.75);
  EXPECT_EQ(json["results"][1]["ratio_min"], 50'000.0 / 74'000);
  EXPECT_EQ(json["results"][1]["ratio_max"], 58'000.0 / 72'000);
  EXPECT_EQ(json["results"][1]["rounds"].size(), 3u);
  EXPECT_FALSE(json["results"][2].contains("ratio"));
}

}  // namespace
}  // namespace parley::bench
