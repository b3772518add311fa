#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "backend/store/member_rows.h"
#include "backend/store/room_store.h"
#include "backend/store/sqlite_connection.h"

// How rooms and members lie in their tables: the queries and the reading of rows. All may throw
// SqliteFailure.
namespace parley::backend {

// The columns read_room reads begin each of these; the role of parameter 1 follows. Parameters: user, after,
// limit.
extern const std::string_view kRoomsOfUser;
extern const std::string_view kPublicRooms;
extern const std::string_view kAllRooms;
inline constexpr int kRoomColumns = 18;
Room read_room(const Query& row);

// Rows for read_member. Parameters: room, after, limit.
extern const std::string_view kMembersOfRoom;
extern const std::string_view kBannedOfRoom;

Result<Room> room_by_name(SqliteConnection& connection, const std::string& name);
Result<Room> room_by_id(SqliteConnection& connection, std::uint64_t room_id);
// How `user` stands in the room; role none and not banned for anyone else.
Member standing_of(SqliteConnection& connection, std::uint64_t room_id, const std::string& user);
void insert_member(SqliteConnection& connection, std::uint64_t room_id, const Member& member);
// not_found names the user who has no account.
Result<> require_account(SqliteConnection& connection, const std::string& user);

}  // namespace parley::backend
