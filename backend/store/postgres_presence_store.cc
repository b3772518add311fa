#include "backend/store/postgres_presence_store.h"

namespace parley::backend {
namespace {

#define PARLEY_PRESENCE "SELECT user_name, status, last_seen, invisible FROM presence"

std::vector<PresenceRow> read_all(const PostgresRows& found) {
  std::vector<PresenceRow> rows;
  for (auto row : found)
    rows.push_back({.user = row.string(0),
                    .status = static_cast<PresenceStatus>(row.integer(1)),
                    .last_seen = from_ms(row.integer(2)),
                    .invisible = row.flag(3)});
  return rows;
}

}  // namespace

// In order of names: two that write the same users would else wait for each other in a ring.
Result<> PostgresPresenceStore::put(std::span<const PresenceRow> rows) {
  auto users = PostgresArray::of_text();
  auto statuses = PostgresArray::of_bigint(), times = PostgresArray::of_bigint();
  for (const auto& row : rows) {
    users.add(row.user);
    statuses.add(static_cast<std::uint64_t>(row.status));
    times.add(static_cast<std::uint64_t>(to_ms(row.last_seen)));
  }
  return pool_->write([&](PostgresConnection& connection) -> Result<> {
    connection.query(
        "INSERT INTO presence(user_name, status, last_seen, invisible)"
        " SELECT a, b::smallint, c, false FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS n(a, b, c)"
        " ORDER BY a COLLATE \"C\""
        " ON CONFLICT (user_name) DO UPDATE SET status = excluded.status, last_seen = excluded.last_seen",
        users, statuses, times);
    return {};
  });
}

Result<> PostgresPresenceStore::set_invisible(const std::string& user, bool invisible) {
  return pool_->write([&](PostgresConnection& connection) -> Result<> {
    connection.query(
        "INSERT INTO presence(user_name, status, last_seen, invisible) VALUES ($1, 0, 0, $2)"
        " ON CONFLICT (user_name) DO UPDATE SET invisible = excluded.invisible",
        user, invisible);
    return {};
  });
}

Result<> PostgresPresenceStore::remove(const std::string& user) {
  return pool_->write([&](PostgresConnection& connection) -> Result<> {
    connection.query("DELETE FROM presence WHERE user_name = $1", user);
    return {};
  });
}

Result<std::vector<PresenceRow>> PostgresPresenceStore::get(std::span<const std::string> users) {
  auto names = PostgresArray::of_text();
  for (const auto& user : users) names.add(user);
  return pool_->read([&](PostgresConnection& connection) -> Result<std::vector<PresenceRow>> {
    return read_all(connection.query(PARLEY_PRESENCE " WHERE user_name = ANY($1::text[])", names));
  });
}

Result<std::vector<PresenceRow>> PostgresPresenceStore::watched(const std::string& after,
                                                                std::uint32_t limit) {
  return pool_->read([&](PostgresConnection& connection) -> Result<std::vector<PresenceRow>> {
    return read_all(connection.query(
        PARLEY_PRESENCE " WHERE (status <> 0 OR invisible) AND user_name > $1 ORDER BY user_name LIMIT $2",
        after, limit));
  });
}

Result<std::vector<PresenceRow>> PostgresPresenceStore::of_room(std::uint64_t room_id,
                                                                const std::string& after,
                                                                std::uint32_t limit) {
  return pool_->read([&](PostgresConnection& connection) -> Result<std::vector<PresenceRow>> {
    return read_all(connection.query(
        "SELECT m.user_name, coalesce(p.status, 0), coalesce(p.last_seen, 0), coalesce(p.invisible, false)"
        " FROM members m LEFT JOIN presence p USING (user_name)"
        " WHERE m.room_id = $1 AND m.user_name > $2 ORDER BY m.user_name LIMIT $3",
        room_id, after, limit));
  });
}

Result<PresenceCounts> PostgresPresenceStore::counts(std::uint64_t room_id) {
  return pool_->read([&](PostgresConnection& connection) -> Result<PresenceCounts> {
    auto row = connection.query(
        "SELECT count(*) FILTER (WHERE p.status = 2), count(*) FILTER (WHERE p.status = 1)"
        " FROM members m JOIN presence p USING (user_name) WHERE m.room_id = $1",
        room_id)[0];
    return PresenceCounts{static_cast<std::uint32_t>(row.number(0)),
                          static_cast<std::uint32_t>(row.number(1))};
  });
}

Result<bool> PostgresPresenceStore::share_a_room(const std::string& one, const std::string& other) {
  return pool_->read([&](PostgresConnection& connection) -> Result<bool> {
    return !connection
                .query(
                    "SELECT 1 FROM members a JOIN members b ON b.room_id = a.room_id AND b.user_name = $2"
                    " WHERE a.user_name = $1 LIMIT 1",
                    one, other)
                .empty();
  });
}

Result<WallTime> PostgresPresenceStore::watched_at() {
  return pool_->read([](PostgresConnection& connection) -> Result<WallTime> {
    return from_ms(connection.query("SELECT at FROM presence_watch")[0].integer(0));
  });
}

Result<> PostgresPresenceStore::set_watched_at(WallTime at) {
  return pool_->write([&](PostgresConnection& connection) -> Result<> {
    connection.query("UPDATE presence_watch SET at = $1", to_ms(at));
    return {};
  });
}

}  // namespace parley::backend
