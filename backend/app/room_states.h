#pragma once
#include "backend/state/room_state_publisher.h"
#include "backend/store/presence_store.h"
#include "backend/store/room_store.h"

namespace parley::backend {

// RoomStates over the stores. Rooms of more than `presence_max` members tell how many of them are there.
class StoredRoomStates final : public RoomStates {
 public:
  StoredRoomStates(RoomStore& rooms, PresenceStore& presence, std::uint32_t presence_max)
      : rooms_(rooms), presence_(presence), presence_max_(presence_max) {}
  Result<std::optional<RoomState>> room_state(std::uint64_t room_id) override;
  Result<std::vector<RoomState>> room_states(const std::string& after, std::uint32_t limit) override;

 private:
  Result<RoomState> state_of(const Room& room);

  RoomStore& rooms_;
  PresenceStore& presence_;
  const std::uint32_t presence_max_;
};

}  // namespace parley::backend
