#pragma once
#include <cstdint>

#include "plugin/journal/sharded_table.h"

namespace parley::plugin {

// Each room's last number. 23-46 bytes a room; a growth step moves 1/4096 of them. Not thread-safe.
class RoomSeqs {
 public:
  std::uint64_t last(std::uint64_t room_id) const {
    const Slot* slot = rooms_.find(hash(room_id), [&](const Slot& s) { return s.room_id == room_id; });
    return slot != nullptr ? slot->last : 0;
  }

  // Makes last(room_id) at least `seq`. Room 0 is none, seq 0 says nothing.
  void raise(std::uint64_t room_id, std::uint64_t seq) {
    if (room_id == 0 || seq == 0) return;
    const std::uint64_t h = hash(room_id);
    Slot* slot = rooms_.find(h, [&](const Slot& s) { return s.room_id == room_id; });
    if (slot == nullptr) {
      rooms_.insert(h, Slot{room_id, seq});
    } else if (slot->last < seq) {
      slot->last = seq;
    }
  }

  void forget(std::uint64_t room_id) {
    const std::uint64_t h = hash(room_id);
    Slot* slot = rooms_.find(h, [&](const Slot& s) { return s.room_id == room_id; });
    if (slot != nullptr) rooms_.erase(h, slot);
  }

  std::size_t size() const { return rooms_.size(); }

  template <class Visit>  // visit(room_id, last)
  void for_each(Visit visit) const {
    rooms_.for_each([&](const Slot& s) { visit(s.room_id, s.last); });
  }

 private:
  struct Slot {
    std::uint64_t room_id = 0;
    std::uint64_t last = 0;
    bool empty() const { return room_id == 0; }
    std::uint32_t home() const { return static_cast<std::uint32_t>(hash(room_id)); }
  };

  // Room ids are the backend's random numbers: nobody can choose them, so no secret is needed.
  static std::uint64_t hash(std::uint64_t room_id) { return mix(room_id, 0); }

  ShardedMap<Slot, 10> rooms_;
};

}  // namespace parley::plugin
