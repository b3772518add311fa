#include "backend/store/sqlite_push_store.h"

#include "backend/store/sqlite_notify_rows.h"
#include "base/ids.h"

namespace parley::backend {
namespace {

#define PARLEY_REGISTRATIONS "SELECT id, user, device, provider, address, keys, at FROM push_registrations"

constexpr std::size_t kIdChars = 20;

std::unexpected<Error> no_such_user() {
  return fail(Errc::not_found, "There is no such user.");
}

Registration read_registration(const Query& row) {
  return {.id = row.string(0),
          .user = row.string(1),
          .device = row.string(2),
          .provider = row.string(3),
          .address = row.string(4),
          .keys = row.string(5),
          .at = from_ms(row.integer(6))};
}

std::vector<std::string> ids_of(Query row) {
  std::vector<std::string> ids;
  while (row.step()) ids.push_back(row.string(0));
  return ids;
}

void drop_all(SqliteConnection& connection, const std::vector<std::string>& ids) {
  for (const auto& id : ids) drop_registration(connection, id);
}

}  // namespace

Result<Registration> SqlitePushStore::put(const Registration& draft) {
  return database_->write([&](SqliteConnection& connection) -> Result<Registration> {
    if (!known_user(connection, draft.user)) return no_such_user();
    auto made = draft;
    made.at = clock_.wall();
    const auto mine = ids_of(
        connection.query("SELECT id FROM push_registrations WHERE user = ? AND device = ? AND provider = ?",
                         draft.user, draft.device, draft.provider));
    made.id = mine.empty() ? random_id(kIdChars) : mine.front();
    drop_all(connection,
             ids_of(connection.query(
                 "SELECT id FROM push_registrations WHERE provider = ? AND address = ? AND id <> ?",
                 draft.provider, draft.address, made.id)));
    connection.run(
        "INSERT INTO push_registrations(id, user, device, provider, address, keys, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET address = excluded.address,"
        " keys = excluded.keys, at = excluded.at",
        made.id, made.user, made.device, made.provider, made.address, made.keys, to_ms(made.at));
    drop_all(connection,
             ids_of(connection.query("SELECT id FROM push_registrations WHERE user = ? AND id <> ?"
                                     " ORDER BY at DESC, id DESC LIMIT -1 OFFSET ?",
                                     made.user, made.id, kRegistrationsPerUserMax - 1)));
    return made;
  });
}

Result<std::vector<Registration>> SqlitePushStore::list(const std::string& user) {
  return database_->read([&](SqliteConnection& connection) -> Result<std::vector<Registration>> {
    std::vector<Registration> found;
    auto row = connection.query(PARLEY_REGISTRATIONS " WHERE user = ? ORDER BY device, provider", user);
    while (row.step()) found.push_back(read_registration(row));
    return found;
  });
}

Result<std::optional<Registration>> SqlitePushStore::get(const std::string& id) {
  return database_->read([&](SqliteConnection& connection) -> Result<std::optional<Registration>> {
    auto row = connection.query(PARLEY_REGISTRATIONS " WHERE id = ?", id);
    return row.step() ? std::optional(read_registration(row)) : std::nullopt;
  });
}

Result<std::uint32_t> SqlitePushStore::remove(const std::string& user, const std::string& device,
                                              const std::string& provider) {
  return database_->write([&](SqliteConnection& connection) -> Result<std::uint32_t> {
    const auto ids = ids_of(connection.query(
        "SELECT id FROM push_registrations WHERE user = ?1 AND device = ?2 AND (?3 = '' OR provider = ?3)",
        user, device, provider));
    drop_all(connection, ids);
    return static_cast<std::uint32_t>(ids.size());
  });
}

Result<bool> SqlitePushStore::prune(const std::string& id, const std::string& address) {
  return database_->write([&](SqliteConnection& connection) -> Result<bool> {
    if (!connection.query("SELECT 1 FROM push_registrations WHERE id = ? AND address = ?", id, address)
             .step())
      return false;
    return drop_registration(connection, id) > 0;
  });
}

Result<QuietHours> SqlitePushStore::quiet_hours(const std::string& user) {
  return database_->read([&](SqliteConnection& connection) -> Result<QuietHours> {
    auto row =
        connection.query("SELECT quiet_from, quiet_to, quiet_zone FROM notify_prefs WHERE user = ?", user);
    if (!row.step()) return QuietHours{};
    return QuietHours{static_cast<std::uint16_t>(row.integer(0)), static_cast<std::uint16_t>(row.integer(1)),
                      row.string(2)};
  });
}

Result<> SqlitePushStore::set_quiet_hours(const std::string& user, const QuietHours& hours) {
  return database_->write([&](SqliteConnection& connection) -> Result<> {
    if (!known_user(connection, user)) return no_such_user();
    if (hours == QuietHours{})
      connection.run("DELETE FROM notify_prefs WHERE user = ?", user);
    else
      connection.run(
          "INSERT OR REPLACE INTO notify_prefs(user, quiet_from, quiet_to, quiet_zone) VALUES (?, ?, ?, ?)",
          user, hours.from, hours.to, hours.zone);
    return {};
  });
}

Result<RoomNotify> SqlitePushStore::room(const std::string& user, std::uint64_t room_id) {
  return database_->read([&](SqliteConnection& connection) -> Result<RoomNotify> {
    auto row = connection.query("SELECT level, muted_until FROM notify_rooms WHERE room_id = ? AND user = ?",
                                room_id, user);
    if (!row.step()) return RoomNotify{};
    return RoomNotify{static_cast<NotifyLevel>(row.integer(0)), from_ms(row.integer(1))};
  });
}

Result<> SqlitePushStore::set_room(const std::string& user, std::uint64_t room_id, const RoomNotify& notify) {
  return database_->write([&](SqliteConnection& connection) -> Result<> {
    if (!known_user(connection, user)) return no_such_user();
    if (!connection.query("SELECT 1 FROM rooms WHERE id = ? AND deleted = 0 AND orphaned = 0", room_id)
             .step())
      return fail(Errc::not_found, "There is no such room.");
    if (notify == RoomNotify{})
      connection.run("DELETE FROM notify_rooms WHERE room_id = ? AND user = ?", room_id, user);
    else
      connection.run(
          "INSERT OR REPLACE INTO notify_rooms(room_id, user, level, muted_until) VALUES (?, ?, ?, ?)",
          room_id, user, static_cast<int>(notify.level), to_ms(notify.muted_until));
    return {};
  });
}

Result<std::vector<std::string>> SqlitePushStore::blocked(const std::string& user) {
  return database_->read([&](SqliteConnection& connection) -> Result<std::vector<std::string>> {
    return ids_of(connection.query("SELECT blocked FROM user_blocks WHERE user = ? ORDER BY blocked", user));
  });
}

Result<> SqlitePushStore::set_blocked(const std::string& user, const std::string& whom, bool blocked) {
  return database_->write([&](SqliteConnection& connection) -> Result<> {
    if (!known_user(connection, user) || (blocked && !known_user(connection, whom))) return no_such_user();
    if (!blocked) {
      connection.run("DELETE FROM user_blocks WHERE user = ? AND blocked = ?", user, whom);
      return {};
    }
    connection.run("INSERT OR IGNORE INTO user_blocks(user, blocked) VALUES (?, ?)", user, whom);
    auto count = connection.query("SELECT count(*) FROM user_blocks WHERE user = ?", user);
    if (count.step() && count.number(0) > kBlockedMax)
      return fail(Errc::invalid_argument, "As many are blocked as may be.");
    return {};
  });
}

#undef PARLEY_REGISTRATIONS

}  // namespace parley::backend
