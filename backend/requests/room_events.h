#pragma once
#include <cstdint>
#include <string>

namespace parley::backend {

// Told after a room's public facts changed, so that rooms/{room}/state can be published again. Thread-safe,
// never blocks.
class RoomEvents {
 public:
  virtual ~RoomEvents() = default;
  virtual void room_changed(std::uint64_t room_id) = 0;  // title, kind, members, epoch
  virtual void room_deleted(std::uint64_t room_id, const std::string& name) = 0;
  virtual void messages_stored(std::uint64_t room_id, std::uint64_t last_seq) = 0;
};

}  // namespace parley::backend
