#include "backend/app/room_states.h"

namespace parley::backend {
namespace {

RoomState state_of(const Room& room) {
  return {.room = room.name,
          .kind = std::string(wire::kind_name(room.kind)),
          .title = room.title,
          .members = room.members,
          .last_seq = room.last_seq,
          .epoch = room.epoch};
}

}  // namespace

Result<std::optional<RoomState>> StoredRoomStates::room_state(std::uint64_t room_id) {
  const auto room = rooms_.get(room_id);
  if (room) return state_of(*room);
  if (room.error().code == Errc::not_found) return std::nullopt;
  return std::unexpected(room.error());
}

Result<std::vector<RoomState>> StoredRoomStates::room_states(const std::string& after, std::uint32_t limit) {
  const auto rooms =
      rooms_.list({.which = RoomQuery::Which::all, .user = "", .after = after, .limit = limit});
  if (!rooms) return std::unexpected(rooms.error());
  std::vector<RoomState> out;
  for (const auto& entry : *rooms) out.push_back(state_of(entry.room));
  return out;
}

}  // namespace parley::backend
