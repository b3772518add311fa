#include "tools/parley-bench/report.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace parley::bench {
namespace {

using Cells = std::array<std::string, 7>;

std::string two_decimals(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f", value);
  return text.data();
}

// Columns as wide as their widest cell; the first two to the left, numbers to the right.
std::string aligned(const std::vector<Cells>& lines) {
  std::array<std::size_t, std::tuple_size_v<Cells>> widths{};
  for (const auto& line : lines)
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  std::string out;
  for (const auto& line : lines) {
    std::string text;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const std::string padding(widths[i] - line[i].size(), ' ');
      text += (i == 0 ? "" : "  ") + (i < 2 ? line[i] + padding : padding + line[i]);
    }
    out += text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

}  // namespace

void Report::add(std::string_view measure, std::string_view unit, std::string_view contender, double value) {
  auto row = std::ranges::find_if(
      rows_, [&](const Row& r) { return r.measure == measure && r.contender == contender; });
  if (row == rows_.end())
    row = rows_.insert(row, {std::string(measure), std::string(unit), std::string(contender), {}});
  row->rounds.add(value);
}

Report::Ratio Report::ratio(const Row& row) const {
  const auto own = baselines_.find(row.measure);
  const auto& baseline = own == baselines_.end() ? baseline_ : own->second;
  const auto base = std::ranges::find_if(
      rows_, [&](const Row& r) { return r.measure == row.measure && r.contender == baseline; });
  if (base == rows_.end() || base->rounds.median() == 0) return {};
  Ratio ratio{.of_medians = row.rounds.median() / base->rounds.median()};
  Rounds each;
  for (std::size_t i = 0; i < std::min(row.rounds.values.size(), base->rounds.values.size()); ++i)
    if (base->rounds.values[i] != 0) each.add(row.rounds.values[i] / base->rounds.values[i]);
  ratio.min = each.min(), ratio.max = each.max();
  return ratio;
}

std::string Report::table() const {
  std::string out = scenario_;
  for (const auto& [name, value] : parameters_)
    out += (&name == &parameters_.front().first ? ": " : ", ") + name + " " + value;
  std::vector<Cells> lines{{"measure", "contender", "median", "min", "max",
                            baseline_.empty() ? "" : "/ " + baseline_, baseline_.empty() ? "" : "of rounds"}};
  for (const auto& row : rows_) {
    const auto times = ratio(row);
    lines.push_back({row.measure + (row.unit.empty() ? "" : " (" + row.unit + ")"), row.contender,
                     format_number(row.rounds.median()), format_number(row.rounds.min()),
                     format_number(row.rounds.max()),
                     times.of_medians > 0 ? two_decimals(times.of_medians) : "",
                     times.min < times.max ? two_decimals(times.min) + "-" + two_decimals(times.max) : ""});
  }
  out += "\n\n" + aligned(lines);
  for (const auto& note : notes_) out += "\n" + note;
  return out + (notes_.empty() ? "" : "\n");
}

nlohmann::json Report::json() const {
  auto results = nlohmann::json::array();
  for (const auto& row : rows_) {
    nlohmann::json result{{"measure", row.measure},     {"unit", row.unit},
                          {"contender", row.contender}, {"median", row.rounds.median()},
                          {"min", row.rounds.min()},    {"max", row.rounds.max()},
                          {"rounds", row.rounds.values}};
    if (const auto times = ratio(row); times.of_medians > 0) {
      result["ratio"] = times.of_medians;
      result["ratio_min"] = times.min;
      result["ratio_max"] = times.max;
    }
    results.push_back(std::move(result));
  }
  auto parameters = nlohmann::json::object();
  for (const auto& [name, value] : parameters_) parameters[name] = value;
  return {{"scenario", scenario_},
          {"baseline", baseline_},
          {"parameters", parameters},
          {"results", results},
          {"notes", notes_}};
}

}  // namespace parley::bench
