#include "backend/store/room_placement.h"

#include "base/crypto.h"

namespace parley::backend {

std::size_t place_room(std::uint64_t room_id, const std::vector<std::string>& shards) {
  std::size_t best = 0;
  Sha256 highest{};
  for (std::size_t i = 0; i < shards.size(); ++i) {
    auto score = sha256(shards[i] + ":" + std::to_string(room_id));
    if (i == 0 || score > highest) {
      highest = score;
      best = i;
    }
  }
  return best;
}

}  // namespace parley::backend
