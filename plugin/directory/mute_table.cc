#include "plugin/directory/mute_table.h"

#include <algorithm>

namespace parley::plugin {

std::int64_t MuteTable::until_ms(UserRef user, RoomRef room) const {
  const auto found = of(room).find(number(room));
  if (found == of(room).end()) return 0;
  const auto mute = std::ranges::find(found->second, user, &Mute::user);
  return mute == found->second.end() ? 0 : mute->until_ms;
}

void MuteTable::set(UserRef user, RoomRef room, std::int64_t until_ms) {
  Rooms& rooms = of(room);
  const auto found = rooms.find(number(room));
  if (found != rooms.end()) {
    std::erase_if(found->second, [user](const Mute& mute) { return mute.user == user; });
    if (found->second.empty() && until_ms == 0) rooms.erase(found);
  }
  if (until_ms != 0) rooms[number(room)].push_back({user, until_ms});
}

std::size_t MuteTable::memory_bytes() const {
  std::size_t bytes = 0;
  for (const auto& rooms : shards_)
    for (const auto& [room, mutes] : rooms) bytes += sizeof(*rooms.begin()) + mutes.capacity() * sizeof(Mute);
  return bytes;
}

}  // namespace parley::plugin
