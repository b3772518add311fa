#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "backend/store/member_rows.h"
#include "backend/store/postgres_connection.h"
#include "backend/store/room_store.h"

// How rooms and members lie in their tables: the queries and the reading of rows. All may throw
// PostgresFailure.
namespace parley::backend {

// The columns read_room reads begin each of these; the role and, in direct chats, the peer of parameter 1 follow. Parameters: user, after,
// limit; of all_public also the text to look for, as fold_text makes it.
std::string_view rooms_query(RoomQuery::Which which);
inline constexpr int kPostgresRoomColumns = 19;
// A room, and the shard whose progress is still to be added to it ("" when it is in it already).
struct PlacedRoom {
  Room room;
  std::string shard;
};
PlacedRoom read_room(const PostgresRows::Row& row);

// Rows for read_member. Parameters: room, after, limit.
std::string_view members_query(bool banned);

Result<PlacedRoom> room_by_name(PostgresConnection& connection, const std::string& name);
Result<PlacedRoom> room_by_id(PostgresConnection& connection, std::uint64_t room_id);
// How `user` stands in the room; role none and not banned for anyone else.
Member standing_of(PostgresConnection& connection, std::uint64_t room_id, const std::string& user);
// not_found names the first of them who has no account.
Result<> require_accounts(PostgresConnection& connection, const PostgresArray& users);

}  // namespace parley::backend
