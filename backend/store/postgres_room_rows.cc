#include "backend/store/postgres_room_rows.h"

namespace parley::backend {
namespace {

#define PARLEY_ROOM_COLUMNS                                                                \
  "r.id, r.name, r.kind, r.title, r.public, r.epoch, coalesce(p.last_seq, 0), r.members, " \
  "coalesce(p.quarantined, false), r.shard, r.slow_s, "                                    \
  "coalesce(p.counted, 0), coalesce(p.rewritten, 0), coalesce(p.annotated, 0), "           \
  "coalesce(p.last_message, 0), coalesce(p.retain_s, 0), coalesce(p.retain_messages, 0), " \
  "coalesce(p.expired, 0), r.held"
#define PARLEY_PROGRESS " LEFT JOIN room_progress p ON p.room_id = r.id"
#define PARLEY_IN_ORDER " r.name > $2 AND NOT r.deleted ORDER BY r.name LIMIT $3"
// Kind 1 is direct.
#define PARLEY_PEER                                                                                       \
  ", CASE WHEN r.kind = 1 AND m.role > 0 THEN coalesce((SELECT other.user_name FROM members other WHERE " \
  "other.room_id = r.id AND other.user_name <> $1 LIMIT 1), '') ELSE '' END"
#define PARLEY_WITH_ROLE                                                            \
  "SELECT " PARLEY_ROOM_COLUMNS                                                     \
  ", coalesce(m.role, 0), coalesce(m.received, 0), coalesce(m.read, 0)" PARLEY_PEER \
  " FROM rooms r" PARLEY_PROGRESS "  LEFT JOIN members m ON m.room_id = r.id AND m.user_name = $1 WHERE"

constexpr std::string_view kRoomsOfUser =
    "SELECT " PARLEY_ROOM_COLUMNS ", m.role, m.received, m.read" PARLEY_PEER
    " FROM members m JOIN rooms r ON r.id = m.room_id" PARLEY_PROGRESS
    " WHERE m.user_name = $1 AND" PARLEY_IN_ORDER;
constexpr std::string_view kPublicRooms =
    PARLEY_WITH_ROLE " r.public AND position($4 IN r.search_key) > 0 AND" PARLEY_IN_ORDER;
constexpr std::string_view kAllRooms = PARLEY_WITH_ROLE PARLEY_IN_ORDER;
constexpr std::string_view kRoomByName =
    "SELECT " PARLEY_ROOM_COLUMNS " FROM rooms r" PARLEY_PROGRESS " WHERE r.name = $1 AND NOT r.deleted";
constexpr std::string_view kRoomById =
    "SELECT " PARLEY_ROOM_COLUMNS " FROM rooms r" PARLEY_PROGRESS " WHERE r.id = $1 AND NOT r.deleted";

#undef PARLEY_WITH_ROLE
#undef PARLEY_PEER
#undef PARLEY_IN_ORDER
#undef PARLEY_PROGRESS
#undef PARLEY_ROOM_COLUMNS

#define PARLEY_MUTE \
  "coalesce((SELECT until FROM mutes x WHERE x.room_id = m.room_id AND x.user_name = m.user_name), 0)"
constexpr std::string_view kMembersOfRoom = "SELECT user_name, role, 0, since, received, read, " PARLEY_MUTE
                                            " FROM members m WHERE room_id = $1 AND user_name > $2"
                                            " ORDER BY user_name LIMIT $3";
constexpr std::string_view kBannedOfRoom = "SELECT user_name, 0, 1, since, 0, 0, " PARLEY_MUTE
                                           " FROM bans m WHERE room_id = $1 AND user_name > $2"
                                           " ORDER BY user_name LIMIT $3";
#undef PARLEY_MUTE
// Always one row.
constexpr std::string_view kStanding =
    "SELECT $2::text, coalesce(m.role, 0), (b.user_name IS NOT NULL)::int, coalesce(m.since, b.since, 0),"
    " coalesce(m.received, 0), coalesce(m.read, 0), coalesce(x.until, 0)"
    " FROM (SELECT 1) AS one LEFT JOIN members m ON m.room_id = $1 AND m.user_name = $2"
    " LEFT JOIN bans b ON b.room_id = $1 AND b.user_name = $2"
    " LEFT JOIN mutes x ON x.room_id = $1 AND x.user_name = $2";

Result<PlacedRoom> only_room(const PostgresRows& rows) {
  if (rows.empty()) return fail(Errc::not_found, "There is no such room.");
  return read_room(rows[0]);
}

}  // namespace

std::string_view rooms_query(RoomQuery::Which which) {
  switch (which) {
    case RoomQuery::Which::all_public:
      return kPublicRooms;
    case RoomQuery::Which::all:
      return kAllRooms;
    case RoomQuery::Which::of_user:
      break;
  }
  return kRoomsOfUser;
}

std::string_view members_query(bool banned) {
  return banned ? kBannedOfRoom : kMembersOfRoom;
}

PlacedRoom read_room(const PostgresRows::Row& row) {
  Room room{.id = row.number(0),
            .name = row.string(1),
            .kind = static_cast<wire::RoomKind>(row.integer(2)),
            .title = row.string(3),
            .is_public = row.flag(4),
            .epoch = row.string(5),
            .last_seq = row.number(6),
            .counted = row.number(11),
            .rewritten = row.number(12),
            .annotated = row.number(13),
            .last_message = row.number(14),
            .members = static_cast<std::uint32_t>(row.integer(7)),
            .quarantined = row.flag(8),
            .slow_s = static_cast<std::uint32_t>(row.integer(10)),
            .retain = {.seconds = row.number(15), .messages = row.number(16)},
            .expired = row.number(17),
            .held = row.flag(18)};
  return {std::move(room), row.string(9)};
}

Result<PlacedRoom> room_by_name(PostgresConnection& connection, const std::string& name) {
  return only_room(connection.query(kRoomByName, name));
}

Result<PlacedRoom> room_by_id(PostgresConnection& connection, std::uint64_t room_id) {
  return only_room(connection.query(kRoomById, room_id));
}

Member standing_of(PostgresConnection& connection, std::uint64_t room_id, const std::string& user) {
  return read_member(connection.query(kStanding, room_id, user)[0]);
}

// A look-up for each name, not a join (postgres_connection.cc says why).
Result<> require_accounts(PostgresConnection& connection, const PostgresArray& users) {
  auto missing = connection.query(
      "SELECT n.name FROM unnest($1::text[]) WITH ORDINALITY AS n(name, nth)"
      " WHERE (SELECT true FROM users WHERE users.name = n.name AND NOT EXISTS"
      " (SELECT 1 FROM erasures e WHERE e.done_at = 0 AND e.user_name = users.name)) IS NULL ORDER BY n.nth "
      "LIMIT 1",
      users);
  if (missing.empty()) return {};
  return fail(Errc::not_found, "There is no user " + missing[0].string(0) + ".");
}

}  // namespace parley::backend
