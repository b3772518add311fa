#pragma once
#include <map>
#include <mutex>

#include "backend/requests/room_events.h"
#include "backend/state/room_state_publisher.h"
#include "backend/store/presence_store.h"
#include "backend/store/room_store.h"
#include "base/clock.h"

namespace parley::backend {

// RoomStates over the stores. Rooms of more than `presence_max` members tell how many of them are there: counted
// again after room_changed(), and every minute; a message is no reason to count thousands.
class StoredRoomStates final : public RoomStates, public RoomEvents {
 public:
  StoredRoomStates(RoomStore& rooms, PresenceStore& presence, std::uint32_t presence_max, const Clock& clock)
      : rooms_(rooms), presence_(presence), presence_max_(presence_max), clock_(clock) {}

  void room_changed(std::uint64_t room_id) override;
  void room_deleted(std::uint64_t room_id, const std::string&) override { room_changed(room_id); }
  void messages_stored(std::uint64_t, std::uint64_t) override {}

  Result<std::optional<RoomState>> room_state(std::uint64_t room_id) override;
  Result<std::vector<RoomState>> room_states(const std::string& after, std::uint32_t limit) override;

 private:
  struct Counted {
    PresenceCounts counts;
    SteadyTime until;
  };
  Result<RoomState> state_of(const Room& room);
  Result<PresenceCounts> count(std::uint64_t room_id);

  RoomStore& rooms_;
  PresenceStore& presence_;
  const std::uint32_t presence_max_;
  const Clock& clock_;
  std::mutex mutex_;
  std::uint64_t changes_ = 0;
  std::map<std::uint64_t, Counted> counted_;  // at most kCountedMax
};

}  // namespace parley::backend
