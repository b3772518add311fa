#include "backend/store/sqlite_retention.h"

#include <algorithm>
#include <limits>

#include "backend/store/sqlite_audit_store.h"
#include "backend/store/sqlite_search.h"

namespace parley::backend {
namespace {

#define PARLEY_RETAINED(which)                                                                             \
  "SELECT r.id, r.retain_s, r.retain_messages, r.last_seq, m.seq, m.at FROM rooms r CROSS JOIN messages m" \
  " ON m.room_id = r.id AND m.seq = (SELECT seq FROM messages WHERE room_id = r.id ORDER BY seq LIMIT 1)"  \
  " WHERE r.id > ?1 AND r.deleted = 0 AND r.orphaned = 0 AND r.held = 0 AND r.last_seq > r.expired" which  \
  " ORDER BY r.id LIMIT ?2"
constexpr std::string_view kAll = PARLEY_RETAINED("");
constexpr std::string_view kOwn = PARLEY_RETAINED(" AND (r.retain_s > 0 OR r.retain_messages > 0)");
#undef PARLEY_RETAINED

struct Standing {
  std::uint64_t expired = 0, last_seq = 0;
  bool held = false;
  Retention own{};
};

std::optional<Standing> standing_of(SqliteConnection& connection, std::uint64_t room_id) {
  auto row = connection.query(
      "SELECT expired, last_seq, held, retain_s, retain_messages FROM rooms"
      " WHERE id = ? AND deleted = 0 AND orphaned = 0",
      room_id);
  if (!row.step()) return std::nullopt;
  return Standing{.expired = row.number(0),
                  .last_seq = row.number(1),
                  .held = row.integer(2) != 0,
                  .own = {.seconds = row.number(3), .messages = row.number(4)}};
}

// The last of the messages that go; `expiry` tells what it will be.
void find_cut(SqliteConnection& connection, const ExpiryOrder& order, const DueLine& line, Expiry& expiry) {
  auto row =
      connection.query("SELECT seq, at FROM messages WHERE room_id = ? AND seq > ? ORDER BY seq LIMIT ?",
                       order.room_id, expiry.expired, std::uint64_t{order.rows_max} + 1);
  while (row.step() && line.due(row.number(0), row.integer(1))) {
    expiry.more = expiry.rows == order.rows_max;
    if (expiry.more) return;
    ++expiry.rows;
    expiry.expired = row.number(0);
  }
}

void remove_to(SqliteConnection& connection, std::uint64_t room_id, const Expiry& expiry) {
  const auto cut = expiry.expired;
  connection.run("DELETE FROM messages WHERE room_id = ? AND seq <= ?", room_id, cut);
  connection.run("DELETE FROM edits WHERE room_id = ? AND target <= ?", room_id, cut);
  connection.run("DELETE FROM reactions WHERE room_id = ? AND target <= ?", room_id, cut);
  connection.run("DELETE FROM threads WHERE room_id = ? AND root <= ?", room_id, cut);
  connection.run("DELETE FROM mentions WHERE room_id = ? AND seq <= ?", room_id, cut);
  connection.run("DELETE FROM quarantine WHERE room_id = ? AND seq <= ?", room_id, cut);
  unindex_to(connection, {room_id, cut});
  connection.run(
      "UPDATE rooms SET expired = ?2, messages = max(messages - ?3, 0),"
      " last_message = CASE WHEN last_message > ?2 THEN last_message ELSE 0 END WHERE id = ?1",
      room_id, cut, expiry.rows);
}

}  // namespace

Result<std::vector<RetainedRoom>> SqliteRetentionStore::rooms(const RetainedQuery& query) {
  return database_->read([&](SqliteConnection& connection) -> Result<std::vector<RetainedRoom>> {
    std::vector<RetainedRoom> rooms;
    auto row = connection.query(query.all ? kAll : kOwn, query.after, query.limit);
    while (row.step())
      rooms.push_back({.room_id = row.number(0),
                       .own = {.seconds = row.number(1), .messages = row.number(2)},
                       .last_seq = row.number(3),
                       .oldest = row.number(4),
                       .oldest_at_ms = row.integer(5)});
    return rooms;
  });
}

Result<Expiry> SqliteRetentionStore::expire(const ExpiryOrder& order) {
  return database_->write([&](SqliteConnection& connection) -> Result<Expiry> {
    const auto room = standing_of(connection, order.room_id);
    if (!room) return Expiry{};
    Expiry expiry{.expired = room->expired};
    if (room->held) return expiry;
    const auto line = due_line(order.rules.in_force(room->own), room->last_seq, order.now);
    find_cut(connection, order, line, expiry);
    if (expiry.rows > 0) remove_to(connection, order.room_id, expiry);
    return expiry;
  });
}

Result<> SqliteRetentionStore::hold(std::uint64_t room_id, bool held, const std::optional<Act>& act) {
  return database_->write([&](SqliteConnection& connection) -> Result<> {
    const auto found = connection.run(
        "UPDATE rooms SET held = ?2 WHERE id = ?1 AND deleted = 0 AND orphaned = 0", room_id, held);
    if (found == 0) return fail(Errc::not_found, "There is no such room.");
    if (!held) connection.run("DELETE FROM held_messages WHERE room_id = ?", room_id);
    record_act(connection, act, clock_.wall());
    return {};
  });
}

Result<HeldPage> SqliteRetentionStore::kept_aside(std::uint64_t room_id, std::uint64_t after,
                                                  std::uint32_t limit) {
  return database_->read([&](SqliteConnection& connection) -> Result<HeldPage> {
    HeldPage page;
    constexpr auto kLast = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    auto row = connection.query(
        "SELECT envelope FROM held_messages WHERE room_id = ? AND seq > ? ORDER BY seq LIMIT ?", room_id,
        std::min(after, kLast), std::uint64_t{limit} + 1);
    while (row.step()) {
      page.more = page.envelopes.size() == limit;
      if (page.more) break;
      page.envelopes.push_back(row.string(0));
    }
    return page;
  });
}

void keep_aside(SqliteConnection& connection, Place message) {
  connection.run(
      "INSERT INTO held_messages SELECT m.room_id, m.seq, m.envelope FROM rooms r CROSS JOIN messages m"
      " ON m.room_id = r.id WHERE r.id = ?1 AND r.held = 1 AND m.deleted = 0 AND m.seq = ?2"
      " UNION ALL SELECT m.room_id, m.seq, m.envelope FROM rooms r CROSS JOIN messages m ON m.room_id = r.id"
      " WHERE r.id = ?1 AND r.held = 1 AND m.deleted = 0 AND m.target = ?2 AND m.seq > ?2"
      " AND m.type IN ('edit', 'reaction') ON CONFLICT DO NOTHING",
      message.first, message.second);
}

void keep_aside(SqliteConnection& connection, Place message, std::string_view envelope) {
  connection.run(
      "INSERT INTO held_messages SELECT id, ?2, ?3 FROM rooms WHERE id = ?1 AND held = 1"
      " ON CONFLICT DO NOTHING",
      message.first, message.second, envelope);
}

}  // namespace parley::backend
