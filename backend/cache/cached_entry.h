#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace parley::backend {

// A message as it lies in Redis: see RedisCache.
std::string pack_entry(std::uint64_t room_id, std::uint64_t seq, std::string_view envelope);

struct CachedEntry {
  std::uint64_t seq = 0;
  std::string_view envelope;  // into what was read
};
// nullopt: too short, or the sum is wrong.
std::optional<CachedEntry> read_entry(std::uint64_t room_id, std::string_view packed);

}  // namespace parley::backend
