#include "backend/store/sqlite_device_store.h"

#include "backend/store/sqlite_directory_log.h"
#include "backend/store/sqlite_notify_rows.h"

namespace parley::backend {
namespace {

void note(SqliteConnection& connection, const DeviceSeen& seen) {
  const auto at = to_ms(seen.at);
  if (!seen.connected) {
    connection.run("UPDATE devices SET last_seen = max(last_seen, ?3) WHERE user = ?1 AND device = ?2",
                   seen.user, seen.device, at);
    return;
  }
  connection.run(
      "INSERT INTO devices(user, device, first_seen, last_seen) VALUES (?1, ?2, ?3, ?3)"
      " ON CONFLICT (user, device) DO UPDATE SET last_seen = max(last_seen, excluded.last_seen)",
      seen.user, seen.device, at);
  if (!seen.token.empty())
    connection.run("INSERT OR IGNORE INTO device_tokens(user, device, token_id) VALUES (?, ?, ?)", seen.user,
                   seen.device, seen.token);
}

void drop(SqliteConnection& connection, const std::string& user, const std::string& device) {
  connection.run("DELETE FROM devices WHERE user = ? AND device = ?", user, device);
  connection.run("DELETE FROM device_tokens WHERE user = ? AND device = ?", user, device);
}

void trim(SqliteConnection& connection, const std::string& user) {
  std::vector<std::string> over;
  {
    auto row = connection.query(
        "SELECT device FROM devices WHERE user = ? ORDER BY last_seen DESC, device LIMIT -1 OFFSET ?", user,
        kDevicesPerUserMax);
    while (row.step()) over.push_back(row.string(0));
  }
  for (const auto& device : over) drop(connection, user, device);
}

}  // namespace

Result<> SqliteDeviceStore::seen(std::span<const DeviceSeen> devices) {
  if (devices.empty()) return {};
  return database_->write([&](SqliteConnection& connection) -> Result<> {
    for (const auto& device : devices) {
      note(connection, device);
      if (device.connected) trim(connection, device.user);
    }
    return {};
  });
}

Result<std::vector<DeviceRow>> SqliteDeviceStore::list(const std::string& user) {
  return database_->read([&](SqliteConnection& connection) -> Result<std::vector<DeviceRow>> {
    std::vector<DeviceRow> devices;
    auto row = connection.query(
        "SELECT device, first_seen, last_seen FROM devices WHERE user = ? ORDER BY device", user);
    while (row.step()) devices.push_back({row.string(0), from_ms(row.integer(1)), from_ms(row.integer(2))});
    return devices;
  });
}

Result<Committed<std::vector<std::string>>> SqliteDeviceStore::forget(const std::string& user,
                                                                      const std::string& device) {
  using Tokens = Committed<std::vector<std::string>>;
  return database_->write([&](SqliteConnection& connection) -> Result<Tokens> {
    const bool seen =
        connection.query("SELECT 1 FROM devices WHERE user = ? AND device = ?", user, device).step();
    if (drop_registrations(connection, user, device) == 0 && !seen)
      return fail(Errc::not_found, "There is no device " + device + ".");
    Tokens tokens{};
    {
      auto row = connection.query(
          "SELECT t.id FROM device_tokens d JOIN tokens t ON t.id = d.token_id AND t.user = d.user"
          " WHERE d.user = ? AND d.device = ? ORDER BY t.id",
          user, device);
      while (row.step()) tokens.value.push_back(row.string(0));
    }
    drop(connection, user, device);
    StepDraft step;
    for (const auto& id : tokens.value) {
      connection.run("DELETE FROM tokens WHERE id = ?", id);
      step.changes.push_back(wire::TokenDrop{id});
    }
    if (!tokens.value.empty()) tokens.version = write_step(connection, step, steps_kept_);
    return tokens;
  });
}

}  // namespace parley::backend
