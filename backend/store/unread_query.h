#pragma once
#include <string>
#include <vector>

#include "backend/store/room_store.h"
#include "backend/store/unread_store.h"
#include "base/encoding.h"

namespace parley::backend {

// What waits for `user` in their `rooms`, in the order of these.
inline UnreadQuery unread_query(const std::string& user, const std::vector<RoomOfUser>& rooms) {
  UnreadQuery query{.user = user, .user_key = fold_case(user)};
  for (const auto& item : rooms)
    query.rooms.push_back(
        {.room_id = item.room.id, .read = item.marks.read, .last_message = item.room.last_message});
  return query;
}

}  // namespace parley::backend
