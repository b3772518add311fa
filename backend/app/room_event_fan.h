#pragma once
#include <string>

#include "backend/requests/room_events.h"

namespace parley::backend {

// Tells two what one is told.
class RoomEventFan final : public RoomEvents {
 public:
  RoomEventFan(RoomEvents& first, RoomEvents& second) : first_(first), second_(second) {}

  void room_changed(std::uint64_t room_id) override {
    first_.room_changed(room_id);
    second_.room_changed(room_id);
  }
  void room_deleted(std::uint64_t room_id, const std::string& name) override {
    first_.room_deleted(room_id, name);
    second_.room_deleted(room_id, name);
  }
  void messages_stored(std::uint64_t room_id, std::uint64_t last_seq) override {
    first_.messages_stored(room_id, last_seq);
    second_.messages_stored(room_id, last_seq);
  }

 private:
  RoomEvents& first_;
  RoomEvents& second_;
};

}  // namespace parley::backend
