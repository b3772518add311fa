#include "backend/app/room_states.h"

namespace parley::backend {

Result<RoomState> StoredRoomStates::state_of(const Room& room) {
  RoomState state{.room = room.name,
                  .kind = std::string(wire::kind_name(room.kind)),
                  .title = room.title,
                  .members = room.members,
                  .last_seq = room.last_seq,
                  .epoch = room.epoch};
  if (room.members <= presence_max_) return state;
  const auto counts = presence_.counts(room.id);
  if (!counts) return std::unexpected(counts.error());
  state.presence = *counts;
  return state;
}

Result<std::optional<RoomState>> StoredRoomStates::room_state(std::uint64_t room_id) {
  const auto room = rooms_.get(room_id);
  if (!room && room.error().code == Errc::not_found) return std::nullopt;
  if (!room) return std::unexpected(room.error());
  auto state = state_of(*room);
  if (!state) return std::unexpected(state.error());
  return *std::move(state);
}

Result<std::vector<RoomState>> StoredRoomStates::room_states(const std::string& after, std::uint32_t limit) {
  const auto rooms =
      rooms_.list({.which = RoomQuery::Which::all, .user = "", .after = after, .limit = limit});
  if (!rooms) return std::unexpected(rooms.error());
  std::vector<RoomState> out;
  for (const auto& entry : *rooms) {
    auto state = state_of(entry.room);
    if (!state) return std::unexpected(state.error());
    out.push_back(*std::move(state));
  }
  return out;
}

}  // namespace parley::backend
