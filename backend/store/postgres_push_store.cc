#include "backend/store/postgres_push_store.h"

#include "backend/store/postgres_notify_rows.h"
#include "base/ids.h"

namespace parley::backend {
namespace {

#define PARLEY_REGISTRATIONS \
  "SELECT id, user_name, device, provider, address, keys, at FROM push_registrations"

constexpr std::size_t kIdChars = 20;

std::unexpected<Error> no_such_user() {
  return fail(Errc::not_found, "There is no such user.");
}

Registration read_registration(const PostgresRows::Row& row) {
  return {.id = row.string(0),
          .user = row.string(1),
          .device = row.string(2),
          .provider = row.string(3),
          .address = row.string(4),
          .keys = row.string(5),
          .at = from_ms(row.integer(6))};
}

void add_ids(PostgresArray& ids, const PostgresRows& rows) {
  for (auto row : rows) ids.add(row.text(0));
}

// Who else has the address, and the user's oldest of too many.
PostgresArray in_the_way(PostgresConnection& connection, const Registration& made) {
  auto ids = PostgresArray::of_text();
  add_ids(ids, connection.query(
                   "SELECT id FROM push_registrations WHERE provider = $1 AND address = $2 AND id <> $3",
                   made.provider, made.address, made.id));
  add_ids(ids,
          connection.query("SELECT id FROM push_registrations WHERE user_name = $1 AND id <> $2"
                           " AND NOT (provider = $3 AND address = $4) ORDER BY at DESC, id DESC OFFSET $5",
                           made.user, made.id, made.provider, made.address, kRegistrationsPerUserMax - 1));
  return ids;
}

void write_registration(PostgresConnection& connection, const Registration& made) {
  connection.query(
      "INSERT INTO push_registrations(id, user_name, device, provider, address, keys, at)"
      " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET address = excluded.address,"
      " keys = excluded.keys, at = excluded.at",
      made.id, made.user, made.device, made.provider, made.address, made.keys, to_ms(made.at));
}

}  // namespace

// Most take nothing from anybody, and need not wait for whoever uses registrations.
Result<Registration> PostgresPushStore::put(const Registration& draft) {
  auto made = put(draft, false);
  if (made && !*made) made = put(draft, true);
  if (!made) return std::unexpected(made.error());
  return std::move(**made);
}

// nullopt: something has to be removed.
Result<std::optional<Registration>> PostgresPushStore::put(const Registration& draft, bool removes) {
  return pool_->write([&](PostgresConnection& connection) -> Result<std::optional<Registration>> {
    removes ? remove_names(connection) : use_names(connection);
    connection.query("SELECT pg_advisory_xact_lock(13, hashtext($1))", draft.provider + " " + draft.address);
    if (!lock_user(connection, draft.user)) return no_such_user();
    auto made = draft;
    made.at = clock_.wall();
    const auto mine = connection.query(
        "SELECT id FROM push_registrations WHERE user_name = $1 AND device = $2 AND provider = $3",
        draft.user, draft.device, draft.provider);
    made.id = mine.empty() ? random_id(kIdChars) : mine[0].string(0);
    const auto others = in_the_way(connection, made);
    if (!others.empty() && !removes) return std::nullopt;
    drop_registrations(connection, others);
    write_registration(connection, made);
    return made;
  });
}

Result<std::vector<Registration>> PostgresPushStore::list(const std::string& user) {
  return pool_->read([&](PostgresConnection& connection) -> Result<std::vector<Registration>> {
    std::vector<Registration> found;
    for (auto row :
         connection.query(PARLEY_REGISTRATIONS " WHERE user_name = $1 ORDER BY device, provider", user))
      found.push_back(read_registration(row));
    return found;
  });
}

Result<std::optional<Registration>> PostgresPushStore::get(const std::string& id) {
  return pool_->read([&](PostgresConnection& connection) -> Result<std::optional<Registration>> {
    auto rows = connection.query(PARLEY_REGISTRATIONS " WHERE id = $1", id);
    return rows.empty() ? std::nullopt : std::optional(read_registration(rows[0]));
  });
}

Result<std::uint32_t> PostgresPushStore::remove(const std::string& user, const std::string& device,
                                                const std::string& provider) {
  return pool_->write([&](PostgresConnection& connection) -> Result<std::uint32_t> {
    remove_names(connection);
    const auto rows = connection.query(
        "SELECT id FROM push_registrations WHERE user_name = $1 AND device = $2 AND ($3 = '' OR provider = "
        "$3)",
        user, device, provider);
    auto ids = PostgresArray::of_text();
    add_ids(ids, rows);
    drop_registrations(connection, ids);
    return static_cast<std::uint32_t>(rows.size());
  });
}

Result<bool> PostgresPushStore::prune(const std::string& id, const std::string& address) {
  return pool_->write([&](PostgresConnection& connection) -> Result<bool> {
    remove_names(connection);
    auto ids = PostgresArray::of_text();
    add_ids(ids, connection.query("SELECT id FROM push_registrations WHERE id = $1 AND address = $2", id,
                                  address));
    drop_registrations(connection, ids);
    return !ids.empty();
  });
}

Result<QuietHours> PostgresPushStore::quiet_hours(const std::string& user) {
  return pool_->read([&](PostgresConnection& connection) -> Result<QuietHours> {
    auto rows = connection.query(
        "SELECT quiet_from, quiet_to, quiet_zone FROM notify_prefs WHERE user_name = $1", user);
    if (rows.empty()) return QuietHours{};
    return QuietHours{static_cast<std::uint16_t>(rows[0].integer(0)),
                      static_cast<std::uint16_t>(rows[0].integer(1)), rows[0].string(2)};
  });
}

Result<> PostgresPushStore::set_quiet_hours(const std::string& user, const QuietHours& hours) {
  return pool_->write([&](PostgresConnection& connection) -> Result<> {
    use_names(connection);
    if (!lock_user(connection, user)) return no_such_user();
    if (hours == QuietHours{})
      connection.query("DELETE FROM notify_prefs WHERE user_name = $1", user);
    else
      connection.query(
          "INSERT INTO notify_prefs(user_name, quiet_from, quiet_to, quiet_zone) VALUES ($1, $2::bigint,"
          " $3::bigint, $4) ON CONFLICT (user_name) DO UPDATE SET quiet_from = excluded.quiet_from,"
          " quiet_to = excluded.quiet_to, quiet_zone = excluded.quiet_zone",
          user, hours.from, hours.to, hours.zone);
    return {};
  });
}

Result<RoomNotify> PostgresPushStore::room(const std::string& user, std::uint64_t room_id) {
  return pool_->read([&](PostgresConnection& connection) -> Result<RoomNotify> {
    auto rows = connection.query(
        "SELECT level, muted_until FROM notify_rooms WHERE room_id = $1 AND user_name = $2", room_id, user);
    if (rows.empty()) return RoomNotify{};
    return RoomNotify{static_cast<NotifyLevel>(rows[0].integer(0)), from_ms(rows[0].integer(1))};
  });
}

Result<> PostgresPushStore::set_room(const std::string& user, std::uint64_t room_id,
                                     const RoomNotify& notify) {
  return pool_->write([&](PostgresConnection& connection) -> Result<> {
    use_names(connection);
    if (!lock_user(connection, user)) return no_such_user();
    if (connection.query("SELECT 1 FROM rooms WHERE id = $1 AND NOT deleted", room_id).empty())
      return fail(Errc::not_found, "There is no such room.");
    if (notify == RoomNotify{})
      connection.query("DELETE FROM notify_rooms WHERE room_id = $1 AND user_name = $2", room_id, user);
    else
      connection.query(
          "INSERT INTO notify_rooms(room_id, user_name, level, muted_until) VALUES ($1, $2, $3::bigint, $4)"
          " ON CONFLICT (room_id, user_name) DO UPDATE SET level = excluded.level,"
          " muted_until = excluded.muted_until",
          room_id, user, static_cast<int>(notify.level), to_ms(notify.muted_until));
    return {};
  });
}

Result<std::vector<std::string>> PostgresPushStore::blocked(const std::string& user) {
  return pool_->read([&](PostgresConnection& connection) -> Result<std::vector<std::string>> {
    std::vector<std::string> names;
    for (auto row :
         connection.query("SELECT blocked FROM user_blocks WHERE user_name = $1 ORDER BY blocked", user))
      names.push_back(row.string(0));
    return names;
  });
}

Result<> PostgresPushStore::set_blocked(const std::string& user, const std::string& whom, bool blocked) {
  return pool_->write([&](PostgresConnection& connection) -> Result<> {
    use_names(connection);
    if (!lock_user(connection, user)) return no_such_user();
    if (!blocked) {
      connection.query("DELETE FROM user_blocks WHERE user_name = $1 AND blocked = $2", user, whom);
      return {};
    }
    if (connection.query("SELECT 1 FROM users WHERE name = $1", whom).empty() ||
        !connection.query("SELECT 1 FROM erasures WHERE user_name = $1", whom).empty())
      return no_such_user();
    connection.query("INSERT INTO user_blocks(user_name, blocked) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                     user, whom);
    if (connection.query("SELECT count(*) FROM user_blocks WHERE user_name = $1", user)[0].number(0) >
        kBlockedMax)
      return fail(Errc::invalid_argument, "As many are blocked as may be.");
    return {};
  });
}

#undef PARLEY_REGISTRATIONS

}  // namespace parley::backend
