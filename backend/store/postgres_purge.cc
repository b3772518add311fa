#include "backend/store/postgres_purge.h"

#include "backend/store/postgres_links.h"

namespace parley::backend {
namespace {

constexpr int kRowsAtATime = 2000;

Result<bool> purge_some(PostgresConnection& connection) {
  // Another process may be at another room.
  auto rooms =
      connection.query("SELECT room_id FROM room_progress WHERE state = 1 LIMIT 1 FOR UPDATE SKIP LOCKED");
  if (rooms.empty()) return false;
  auto room = rooms[0].number(0);
  auto removed = connection
                     .query(
                         "DELETE FROM messages WHERE room_id = $1 AND seq <= coalesce("
                         " (SELECT seq FROM messages WHERE room_id = $1 ORDER BY seq LIMIT 1 OFFSET $2),"
                         " 9223372036854775807)",
                         room, kRowsAtATime)
                     .affected();
  if (removed > 0) return true;
  connection.query("DELETE FROM quarantine WHERE room_id = $1", room);
  purge_links(connection, room);
  connection.query("DELETE FROM search_texts WHERE room_id = $1", room);
  connection.query("DELETE FROM search_progress WHERE room_id = $1", room);
  connection.query("UPDATE room_progress SET state = 2 WHERE room_id = $1", room);
  return true;
}

}  // namespace

// Looks first without a transaction.
Result<bool> purge_deleted_room(PostgresPool& pool) {
  auto any = pool.read([](PostgresConnection& connection) -> Result<bool> {
    return !connection.query("SELECT 1 FROM room_progress WHERE state = 1 LIMIT 1").empty();
  });
  if (!any || !*any) return any;
  return pool.write(purge_some);
}

}  // namespace parley::backend
