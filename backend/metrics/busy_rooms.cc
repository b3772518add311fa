#include "backend/metrics/busy_rooms.h"

#include <algorithm>

namespace parley::backend {

void BusySketch::add(std::string_view room, std::uint64_t messages) {
  const std::string name(room);
  if (const auto known = counts_.find(name); known != counts_.end()) {
    known->second += messages;
    return;
  }
  std::uint64_t inherited = 0;
  if (counts_.size() >= capacity_) {
    const auto least = std::ranges::min_element(counts_, {}, [](const auto& entry) { return entry.second; });
    inherited = least->second;
    counts_.erase(least);
  }
  counts_.emplace(name, inherited + messages);
}

void BusyRooms::turn() {
  const auto now = clock_.steady().time_since_epoch() / kSlice;
  const auto passed = std::min<std::int64_t>(now - slice_, kSlices);
  for (std::int64_t i = 0; i < passed; ++i) slices_[static_cast<std::size_t>(now - i) % kSlices].clear();
  slice_ = now;
}

void BusyRooms::add(std::string_view room, std::uint64_t messages) {
  std::lock_guard lock(mutex_);
  turn();
  slices_[static_cast<std::size_t>(slice_) % kSlices].add(room, messages);
}

std::vector<std::pair<std::string, std::uint64_t>> BusyRooms::top(std::size_t most) {
  std::unordered_map<std::string, std::uint64_t> sums;
  {
    std::lock_guard lock(mutex_);
    turn();
    for (const auto& slice : slices_)
      for (const auto& [room, messages] : slice.counts()) sums[room] += messages;
  }
  std::vector<std::pair<std::string, std::uint64_t>> rooms(sums.begin(), sums.end());
  std::ranges::sort(rooms, [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  if (rooms.size() > most) rooms.resize(most);
  return rooms;
}

}  // namespace parley::backend
