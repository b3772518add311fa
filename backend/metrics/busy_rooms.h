#pragma once
#include <array>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace parley::backend {

// The rooms with the most messages, approximately, in bounded memory: the space-saving algorithm (Metwally, Agrawal, El Abbadi, 2005).
// A room that has more than 1/capacity of all messages is surely in it; a count is too high by at most the smallest count, never too low.
// Not thread-safe.
class BusySketch {
 public:
  explicit BusySketch(std::size_t capacity) : capacity_(capacity) {}
  void add(std::string_view room, std::uint64_t messages);
  void clear() { counts_.clear(); }
  const std::unordered_map<std::string, std::uint64_t>& counts() const { return counts_; }

 private:
  std::size_t capacity_;
  std::unordered_map<std::string, std::uint64_t> counts_;
};

// The busiest rooms of the last minute: six sketches of ten seconds each. Thread-safe; never blocks but for its own short mutex.
// Memory: 6 × kRooms names.
class BusyRooms {
 public:
  static constexpr std::size_t kRooms = 256;
  static constexpr std::chrono::seconds kSlice{10};

  explicit BusyRooms(const Clock& clock) : clock_(clock), slices_(kSlices, BusySketch(kRooms)) {}

  void add(std::string_view room, std::uint64_t messages);
  // Most messages first, at most `most` rooms; those with the same number by name.
  std::vector<std::pair<std::string, std::uint64_t>> top(std::size_t most);

 private:
  static constexpr std::size_t kSlices = 6;

  void turn();

  const Clock& clock_;
  std::mutex mutex_;
  std::vector<BusySketch> slices_;
  std::int64_t slice_ = 0;  // number of the newest one
};

}  // namespace parley::backend
