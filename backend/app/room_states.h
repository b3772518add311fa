#pragma once
#include "backend/state/room_state_publisher.h"
#include "backend/store/room_store.h"

namespace parley::backend {

// RoomStates over the RoomStore.
class StoredRoomStates final : public RoomStates {
 public:
  explicit StoredRoomStates(RoomStore& rooms) : rooms_(rooms) {}
  Result<std::optional<RoomState>> room_state(std::uint64_t room_id) override;
  Result<std::vector<RoomState>> room_states(const std::string& after, std::uint32_t limit) override;

 private:
  RoomStore& rooms_;
};

}  // namespace parley::backend
