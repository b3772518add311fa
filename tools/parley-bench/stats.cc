#include "tools/parley-bench/stats.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>

namespace parley::bench {

double Rounds::median() const {
  if (values.empty()) return 0;
  auto sorted = values;
  std::ranges::sort(sorted);
  const auto middle = sorted.size() / 2;
  return sorted.size() % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

double Rounds::min() const {
  return values.empty() ? 0 : std::ranges::min(values);
}

double Rounds::max() const {
  return values.empty() ? 0 : std::ranges::max(values);
}

// Below 32 ns a bucket is 1 ns; above, the 5 bits behind the leading one tell which of its doubling's buckets it is.
std::size_t LatencyHistogram::bucket_of(std::uint64_t ns) {
  if (ns < (1u << kBits)) return ns;
  const auto shift = static_cast<unsigned>(std::bit_width(ns)) - 1 - kBits;
  return std::min<std::size_t>((std::size_t{shift} << kBits) + (ns >> shift), kBuckets - 1);
}

std::uint64_t LatencyHistogram::upper_end(std::size_t bucket) {
  if (bucket < (2u << kBits)) return bucket;
  const auto shift = (bucket >> kBits) - 1;
  const auto mantissa = (bucket & ((1u << kBits) - 1)) | (1u << kBits);
  return ((std::uint64_t{mantissa} + 1) << shift) - 1;
}

void LatencyHistogram::add(std::chrono::nanoseconds latency) {
  const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(latency.count(), 0));
  ++counts_[bucket_of(ns)];
  ++count_;
  max_ = std::max(max_, latency);
}

std::chrono::nanoseconds LatencyHistogram::percentile(double fraction) const {
  if (count_ == 0) return std::chrono::nanoseconds(0);
  const auto rank = std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(std::ceil(std::clamp(fraction, 0.0, 1.0) * static_cast<double>(count_))));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += counts_[i];
    if (seen >= rank) return std::min(std::chrono::nanoseconds(upper_end(i)), max_);
  }
  return max_;
}

std::string format_number(double value) {
  if (value == 0 || !std::isfinite(value)) return value == 0 ? "0" : "-";
  const auto digits = [](double v) { return static_cast<int>(std::floor(std::log10(std::fabs(v)))) + 1; };
  const double unit = std::pow(10.0, digits(value) - 3);
  const double rounded = std::round(value / unit) * unit;  // may have gained a digit: 99.96 is 100
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", std::max(0, 3 - digits(rounded)), rounded);
  std::string out = text.data();
  const auto whole = std::min(out.find('.'), out.size());
  const std::size_t first = value < 0 ? 1 : 0;
  for (auto i = whole; i > first + 3; i -= 3) out.insert(i - 3, ",");
  return out;
}

}  // namespace parley::bench
