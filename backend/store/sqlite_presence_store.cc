#include "backend/store/sqlite_presence_store.h"

namespace parley::backend {
namespace {

PresenceRow read_presence(const Query& row) {
  return {.user = row.string(0),
          .status = static_cast<PresenceStatus>(row.integer(1)),
          .last_seen = from_ms(row.integer(2)),
          .invisible = row.integer(3) != 0};
}

std::vector<PresenceRow> read_all(Query row) {
  std::vector<PresenceRow> rows;
  while (row.step()) rows.push_back(read_presence(row));
  return rows;
}

}  // namespace

Result<> SqlitePresenceStore::put(std::span<const PresenceRow> rows) {
  return database_->write([&](SqliteConnection& connection) -> Result<> {
    for (const auto& row : rows)
      connection.run(
          "INSERT INTO presence(user, status, last_seen, invisible) VALUES (?, ?, ?, 0)"
          " ON CONFLICT (user) DO UPDATE SET status = excluded.status, last_seen = excluded.last_seen",
          row.user, static_cast<int>(row.status), to_ms(row.last_seen));
    return {};
  });
}

Result<> SqlitePresenceStore::set_invisible(const std::string& user, bool invisible) {
  return database_->write([&](SqliteConnection& connection) -> Result<> {
    connection.run(
        "INSERT INTO presence(user, status, last_seen, invisible) VALUES (?, 0, 0, ?)"
        " ON CONFLICT (user) DO UPDATE SET invisible = excluded.invisible",
        user, invisible);
    return {};
  });
}

Result<> SqlitePresenceStore::remove(const std::string& user) {
  return database_->write([&](SqliteConnection& connection) -> Result<> {
    connection.run("DELETE FROM presence WHERE user = ?", user);
    return {};
  });
}

Result<std::vector<PresenceRow>> SqlitePresenceStore::get(std::span<const std::string> users) {
  return database_->read([&](SqliteConnection& connection) -> Result<std::vector<PresenceRow>> {
    std::vector<PresenceRow> rows;
    for (const auto& user : users) {
      auto row =
          connection.query("SELECT user, status, last_seen, invisible FROM presence WHERE user = ?", user);
      if (row.step()) rows.push_back(read_presence(row));
    }
    return rows;
  });
}

Result<std::vector<PresenceRow>> SqlitePresenceStore::watched(const std::string& after, std::uint32_t limit) {
  return database_->read([&](SqliteConnection& connection) -> Result<std::vector<PresenceRow>> {
    return read_all(
        connection.query("SELECT user, status, last_seen, invisible FROM presence"
                         " WHERE (status <> 0 OR invisible = 1) AND user > ? ORDER BY user LIMIT ?",
                         after, limit));
  });
}

Result<std::vector<PresenceRow>> SqlitePresenceStore::of_room(std::uint64_t room_id, const std::string& after,
                                                              std::uint32_t limit) {
  return database_->read([&](SqliteConnection& connection) -> Result<std::vector<PresenceRow>> {
    return read_all(connection.query(
        "SELECT m.user, coalesce(p.status, 0), coalesce(p.last_seen, 0), coalesce(p.invisible, 0)"
        " FROM members m LEFT JOIN presence p ON p.user = m.user"
        " WHERE m.room_id = ? AND m.user > ? ORDER BY m.user LIMIT ?",
        room_id, after, limit));
  });
}

Result<PresenceCounts> SqlitePresenceStore::counts(std::uint64_t room_id) {
  return database_->read([&](SqliteConnection& connection) -> Result<PresenceCounts> {
    auto row = connection.query(
        "SELECT coalesce(sum(p.status = 2), 0), coalesce(sum(p.status = 1), 0)"
        " FROM members m JOIN presence p ON p.user = m.user WHERE m.room_id = ?",
        room_id);
    row.step();
    return PresenceCounts{static_cast<std::uint32_t>(row.number(0)),
                          static_cast<std::uint32_t>(row.number(1))};
  });
}

Result<bool> SqlitePresenceStore::share_a_room(const std::string& one, const std::string& other) {
  return database_->read([&](SqliteConnection& connection) -> Result<bool> {
    return connection
        .query(
            "SELECT 1 FROM members a JOIN members b ON b.room_id = a.room_id AND b.user = ?2"
            " WHERE a.user = ?1 LIMIT 1",
            one, other)
        .step();
  });
}

Result<WallTime> SqlitePresenceStore::watched_at() {
  return database_->read([](SqliteConnection& connection) -> Result<WallTime> {
    auto row = connection.query("SELECT at FROM presence_watch");
    row.step();
    return from_ms(row.integer(0));
  });
}

Result<> SqlitePresenceStore::set_watched_at(WallTime at) {
  return database_->write([&](SqliteConnection& connection) -> Result<> {
    connection.run("UPDATE presence_watch SET at = ?", to_ms(at));
    return {};
  });
}

}  // namespace parley::backend
