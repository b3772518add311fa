#pragma once
#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "plugin/directory/room_table.h"
#include "plugin/directory/user_table.h"

namespace parley::plugin {

// Who is muted in which room, until when: few beside the memberships. At most some thousand in a room (the
// backend sees to that); 16 bytes each and 100 a room that has any. Not thread-safe. A room without mutes is
// told by one look-up.
class MuteTable {
 public:
  // ms since 1970; 0: not muted. It may have ended.
  std::int64_t until_ms(UserRef user, RoomRef room) const;
  void set(UserRef user, RoomRef room, std::int64_t until_ms);  // 0 takes it away
  void drop(RoomRef room) { of(room).erase(number(room)); }

  template <class Visit>  // visit(UserRef, RoomRef, until_ms)
  void for_each(Visit visit) const {
    for (const auto& rooms : shards_)
      for (const auto& [room, mutes] : rooms)
        for (const auto& mute : mutes) visit(mute.user, RoomRef{room}, mute.until_ms);
  }
  std::size_t memory_bytes() const;

 private:
  struct Mute {
    UserRef user;
    std::int64_t until_ms;
  };
  using Rooms = std::unordered_map<std::uint32_t, std::vector<Mute>>;

  static std::uint32_t number(RoomRef room) { return static_cast<std::uint32_t>(room); }
  Rooms& of(RoomRef room) { return shards_[number(room) % shards_.size()]; }
  const Rooms& of(RoomRef room) const { return shards_[number(room) % shards_.size()]; }

  std::array<Rooms, 256> shards_;  // only one grows at a time
};

}  // namespace parley::plugin
