#include "backend/cache/memory_cache.h"

#include <algorithm>

namespace parley::backend {
namespace {

// What a room and a message weigh beside their text: list and map nodes, the string itself.
constexpr std::size_t kRoomWeight = 256;
constexpr std::size_t kMessageWeight = 48;

}  // namespace

MemoryCache::MemoryCache(std::size_t bytes_max, const TailLimits& tail, const Clock& clock)
    : clock_(clock), bytes_max_(bytes_max), limits_(tail), counters_(clock) {}

Result<std::vector<std::string>> MemoryCache::find(const RoomKey& key, std::uint64_t, SeqRange range) {
  std::lock_guard lock(mutex_);
  const auto* tail = rooms_.find(key.room_id);
  if (!tail || tail->lease != key.lease || tail->epoch != key.epoch) return {};
  const auto begin = tail->end - tail->envelopes.size();
  const auto first = std::max(range.first, begin);
  if (range.last >= tail->end || first > range.last) return {};
  const auto at = tail->envelopes.begin() + static_cast<std::ptrdiff_t>(first - begin);
  return std::vector<std::string>(at, at + static_cast<std::ptrdiff_t>(range.last - first + 1));
}

Result<> MemoryCache::fill(const RoomKey& key, std::uint64_t first, std::span<const std::string> envelopes) {
  std::lock_guard lock(mutex_);
  const auto* known = rooms_.find(key.room_id);
  // A slow reader's copy is older than what was added meanwhile.
  if (known && known->lease == key.lease && known->epoch == key.epoch &&
      known->end > first + envelopes.size())
    return {};
  drop(key.room_id);
  auto& tail = rooms_.put(key.room_id, Tail{.lease = key.lease, .epoch = key.epoch, .end = first});
  bytes_ += kRoomWeight;
  for (const auto& envelope : envelopes) add(tail, envelope);
  trim(key.room_id, tail);
  return {};
}

Result<> MemoryCache::extend(std::uint64_t lease, std::span<const wire::Record> records) {
  std::lock_guard lock(mutex_);
  for (const auto& record : records) {
    auto* tail = rooms_.find(record.room_id);
    if (!tail) continue;
    if (tail->lease != lease || record.seq > tail->end)
      drop(record.room_id);
    else if (record.seq == tail->end) {
      add(*tail, record.envelope);
      trim(record.room_id, *tail);
    }
  }
  return {};
}

Result<> MemoryCache::drop(std::uint64_t, std::span<const std::uint64_t> rooms) {
  std::lock_guard lock(mutex_);
  for (const auto room : rooms) drop(room);
  return {};
}

Result<> MemoryCache::put_values(std::span<const NamedValue> values, std::chrono::milliseconds expiry) {
  std::lock_guard lock(mutex_);
  for (const auto& [name, text] : values) values_.put(name, {text, clock_.steady() + expiry});
  while (values_.size() > kValuesMax) values_.erase(std::string(values_.oldest().first));
  return {};
}

Result<std::vector<std::optional<std::string>>> MemoryCache::values(std::span<const std::string> names) {
  std::vector<std::optional<std::string>> found;
  std::lock_guard lock(mutex_);
  for (const auto& name : names) {
    const auto* value = values_.find(name);
    const bool fresh = value && value->until > clock_.steady();
    found.push_back(fresh ? std::optional(value->text) : std::nullopt);
  }
  return found;
}

void MemoryCache::add(Tail& tail, std::string_view envelope) {
  tail.envelopes.emplace_back(envelope);
  ++tail.end;
  tail.bytes += envelope.size();
  bytes_ += envelope.size() + kMessageWeight;
}

void MemoryCache::drop(std::uint64_t room_id) {
  const auto* tail = rooms_.find(room_id);
  if (!tail) return;
  bytes_ -= kRoomWeight + tail->bytes + tail->envelopes.size() * kMessageWeight;
  rooms_.erase(room_id);
}

// To what a room may have, then all rooms to what the cache may have.
void MemoryCache::trim(std::uint64_t room_id, Tail& tail) {
  while (tail.envelopes.size() > limits_.messages || tail.bytes > limits_.bytes) {
    const auto size = tail.envelopes.front().size();
    tail.envelopes.pop_front();
    tail.bytes -= size;
    bytes_ -= size + kMessageWeight;
  }
  if (tail.envelopes.empty()) drop(room_id);
  while (bytes_ > bytes_max_) drop(rooms_.oldest().first);
}

std::size_t MemoryCache::bytes() const {
  std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace parley::backend
