#include "backend/store/sqlite_room_rows.h"

namespace parley::backend {

#define PARLEY_ROOM_COLUMNS                                                                            \
  "r.id, r.name, r.kind, r.title, r.public, r.epoch, r.last_seq, r.members, r.quarantined, r.slow_s, " \
  "r.counted, r.rewritten, r.annotated, r.last_message, r.retain_s, r.retain_messages, r.expired, r.held"
#define PARLEY_LIVE "r.deleted = 0 AND r.orphaned = 0"
#define PARLEY_MUTE "coalesce((SELECT until FROM mutes x WHERE x.room_id = m.room_id AND x.user = m.user), 0)"
#define PARLEY_IN_ORDER " AND r.name > ?2 AND " PARLEY_LIVE " ORDER BY r.name LIMIT ?3"
// Kind 1 is direct.
#define PARLEY_PEER                                                                                  \
  ", CASE WHEN r.kind = 1 AND m.role > 0 THEN coalesce((SELECT other.user FROM members other WHERE " \
  "other.room_id = r.id AND other.user <> ?1 LIMIT 1), '') ELSE '' END"
#define PARLEY_WITH_ROLE                                                            \
  "SELECT " PARLEY_ROOM_COLUMNS                                                     \
  ", coalesce(m.role, 0), coalesce(m.received, 0), coalesce(m.read, 0)" PARLEY_PEER \
  " FROM rooms r"                                                                   \
  " LEFT JOIN members m ON m.room_id = r.id AND m.user = ?1"

const std::string_view kRoomsOfUser = "SELECT " PARLEY_ROOM_COLUMNS ", m.role, m.received, m.read" PARLEY_PEER
                                      " FROM members m JOIN rooms r ON r.id = m.room_id"
                                      " WHERE m.user = ?1" PARLEY_IN_ORDER;
const std::string_view kPublicRooms =
    PARLEY_WITH_ROLE " WHERE r.public = 1 AND instr(r.search_key, ?4) > 0" PARLEY_IN_ORDER;
const std::string_view kAllRooms = PARLEY_WITH_ROLE " WHERE 1" PARLEY_IN_ORDER;
const std::string_view kMembersOfRoom =
    "SELECT user, role, 0, since, received, read, " PARLEY_MUTE
    " FROM members m WHERE room_id = ?1 AND user > ?2 ORDER BY user LIMIT ?3";
const std::string_view kBannedOfRoom = "SELECT user, 0, 1, since, 0, 0, " PARLEY_MUTE
                                       " FROM bans m WHERE room_id = ?1 AND user > ?2 ORDER BY user LIMIT ?3";

namespace {

constexpr std::string_view kRoomByName =
    "SELECT " PARLEY_ROOM_COLUMNS " FROM rooms r WHERE r.name = ? AND " PARLEY_LIVE;
constexpr std::string_view kRoomById =
    "SELECT " PARLEY_ROOM_COLUMNS " FROM rooms r WHERE r.id = ? AND " PARLEY_LIVE;

#undef PARLEY_WITH_ROLE
#undef PARLEY_PEER
#undef PARLEY_IN_ORDER
#undef PARLEY_LIVE
#undef PARLEY_MUTE
#undef PARLEY_ROOM_COLUMNS

// Always one row.
constexpr std::string_view kStanding =
    "SELECT ?2, coalesce(m.role, 0), b.user IS NOT NULL, coalesce(m.since, b.since, 0),"
    " coalesce(m.received, 0), coalesce(m.read, 0), coalesce(x.until, 0)"
    " FROM (SELECT 1) LEFT JOIN members m ON m.room_id = ?1 AND m.user = ?2"
    " LEFT JOIN bans b ON b.room_id = ?1 AND b.user = ?2"
    " LEFT JOIN mutes x ON x.room_id = ?1 AND x.user = ?2";

Result<Room> only_room(const Query& row, bool found) {
  if (!found) return fail(Errc::not_found, "There is no such room.");
  return read_room(row);
}

}  // namespace

Room read_room(const Query& row) {
  return {.id = row.number(0),
          .name = row.string(1),
          .kind = static_cast<wire::RoomKind>(row.integer(2)),
          .title = row.string(3),
          .is_public = row.integer(4) != 0,
          .epoch = row.string(5),
          .last_seq = row.number(6),
          .counted = row.number(10),
          .rewritten = row.number(11),
          .annotated = row.number(12),
          .last_message = row.number(13),
          .members = static_cast<std::uint32_t>(row.integer(7)),
          .quarantined = row.integer(8) != 0,
          .slow_s = static_cast<std::uint32_t>(row.integer(9)),
          .retain = {.seconds = row.number(14), .messages = row.number(15)},
          .expired = row.number(16),
          .held = row.integer(17) != 0};
}

Result<Room> room_by_name(SqliteConnection& connection, const std::string& name) {
  auto row = connection.query(kRoomByName, name);
  bool found = row.step();
  return only_room(row, found);
}

Result<Room> room_by_id(SqliteConnection& connection, std::uint64_t room_id) {
  auto row = connection.query(kRoomById, room_id);
  bool found = row.step();
  return only_room(row, found);
}

Member standing_of(SqliteConnection& connection, std::uint64_t room_id, const std::string& user) {
  auto row = connection.query(kStanding, room_id, user);
  row.step();
  return read_member(row);
}

void insert_member(SqliteConnection& connection, std::uint64_t room_id, const Member& member) {
  connection.run("INSERT INTO members(room_id, user, role, since, received, read) VALUES (?, ?, ?, ?, ?, ?)",
                 room_id, member.user, static_cast<int>(member.role), to_ms(member.since),
                 member.marks.received, member.marks.read);
}

Result<> require_account(SqliteConnection& connection, const std::string& user) {
  if (connection
          .query("SELECT 1 FROM users WHERE name = ? AND NOT EXISTS (SELECT 1 FROM erasures e WHERE "
                 "e.done_at = 0 AND e.user = users.name)",
                 user)
          .step())
    return {};
  return fail(Errc::not_found, "There is no user " + user + ".");
}

}  // namespace parley::backend
