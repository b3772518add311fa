#pragma once
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/parley-bench/stats.h"

namespace parley::bench {

// What one scenario found, for people or for programs. Not thread-safe.
class Report {
 public:
  // What is measured against: the contender whose median each ratio divides by.
  static constexpr std::string_view kBare = "bare";

  Report(std::string scenario, std::string baseline = std::string(kBare))
      : scenario_(std::move(scenario)), baseline_(std::move(baseline)) {}

  // "": nothing is divided.
  void set_baseline(std::string contender) { baseline_ = std::move(contender); }
  // Another one for this measure.
  void set_baseline_of(const std::string& measure, std::string contender) {
    baselines_[measure] = std::move(contender);
  }
  void parameter(std::string name, std::string value) {
    parameters_.emplace_back(std::move(name), std::move(value));
  }
  // One round's value. Rows stand in the order in which they first came.
  void add(std::string_view measure, std::string_view unit, std::string_view contender, double value);
  // A sentence below the table.
  void note(std::string sentence) { notes_.push_back(std::move(sentence)); }

  // Measure, contender, median, minimum, maximum, ratio of the medians to the baseline's; then the least and the
  // greatest ratio of a round, as contenders of one round were measured one after the other.
  std::string table() const;
  // {"scenario", "parameters", "results": [{"measure", "unit", "contender", "median", "min", "max", "rounds",
  // "ratio", "ratio_min", "ratio_max"}], "notes"}
  nlohmann::json json() const;

 private:
  struct Row {
    std::string measure, unit, contender;
    Rounds rounds;
  };
  struct Ratio {
    double of_medians = 0, min = 0, max = 0;  // 0: there is nothing to divide by
  };
  Ratio ratio(const Row& row) const;

  std::string scenario_, baseline_;
  std::map<std::string, std::string> baselines_;  // of measures that have their own
  std::vector<std::pair<std::string, std::string>> parameters_;
  std::vector<Row> rows_;
  std::vector<std::string> notes_;
};

}  // namespace parley::bench
