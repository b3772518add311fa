#pragma once
#include <string>
#include <utility>
#include <vector>

#include "backend/requests/room_events.h"

namespace parley::backend {

// Tells several what one is told, in order. They must outlive it.
class RoomEventFan final : public RoomEvents {
 public:
  explicit RoomEventFan(std::vector<RoomEvents*> listeners) : listeners_(std::move(listeners)) {}

  void room_changed(std::uint64_t room_id) override {
    for (auto* listener : listeners_) listener->room_changed(room_id);
  }
  void room_deleted(std::uint64_t room_id, const std::string& name) override {
    for (auto* listener : listeners_) listener->room_deleted(room_id, name);
  }
  void messages_stored(std::uint64_t room_id, std::uint64_t last_seq) override {
    for (auto* listener : listeners_) listener->messages_stored(room_id, last_seq);
  }

 private:
  const std::vector<RoomEvents*> listeners_;
};

}  // namespace parley::backend
