#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace parley::backend {

// Which of `shards` (their ids, in any order, at least one) a new room lies on, by rendezvous hashing: an even
// share to each, and a shard more or less moves only the rooms that go to it or were on it. Gives its index.
// The same for the same ids on every machine.
std::size_t place_room(std::uint64_t room_id, const std::vector<std::string>& shards);

}  // namespace parley::backend
