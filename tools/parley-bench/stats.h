#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace parley::bench {

// What several rounds of one measurement gave.
struct Rounds {
  std::vector<double> values;

  void add(double value) { values.push_back(value); }
  bool empty() const { return values.empty(); }
  // Of an even number, the mean of the two in the middle. 0 when there is none.
  double median() const;
  double min() const;
  double max() const;
};

// Durations from 1 ns to 4,000 s in buckets 1/32 wide relative to their value, so a percentile is right to 3 %.
// Not thread-safe; 10 KiB.
class LatencyHistogram {
 public:
  void add(std::chrono::nanoseconds latency);  // negative ones count as 0
  std::uint64_t count() const { return count_; }
  std::chrono::nanoseconds max() const { return max_; }
  // The upper end of the bucket that holds it; `fraction` 0…1. 0 when empty.
  std::chrono::nanoseconds percentile(double fraction) const;

 private:
  static constexpr unsigned kBits = 5;  // 32 buckets each doubling
  static constexpr std::size_t kBuckets = (43 - kBits) << kBits;
  static std::size_t bucket_of(std::uint64_t ns);
  static std::uint64_t upper_end(std::size_t bucket);

  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t count_ = 0;
  std::chrono::nanoseconds max_{0};
};

// Three significant digits, thousands apart: 1,234,000; 12.3; 0.0123.
std::string format_number(double value);

}  // namespace parley::bench
