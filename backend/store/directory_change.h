#pragma once
#include <cstdint>
#include <string>

namespace parley::backend {

// An entry a change puts into the room's own order. The store fills in the room and the ref
// ("d<version>.<n>").
struct RoomEntry {
  std::string from;           // the acting user
  std::string role;           // that user's role in the room at that moment, "" when none
  std::string type;           // member, room
  std::string content;        // a JSON object
  std::uint64_t room_id = 0;  // 0: the change's own room
};

// What a change left behind: the value as it now is, and the Directory version the change made.
// version 0: nothing was changed that the broker's plugin keeps; there is nothing to wait for.
template <class T>
struct Committed {
  T value;
  std::uint64_t version = 0;
};

}  // namespace parley::backend
