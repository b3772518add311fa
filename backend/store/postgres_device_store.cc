#include "backend/store/postgres_device_store.h"

#include <map>
#include <utility>

#include "backend/store/postgres_change.h"
#include "backend/store/postgres_notify_rows.h"

namespace parley::backend {
namespace {

using Key = std::pair<std::string, std::string>;  // user, device

// Each device once, in the order of names: two that write the same ones would else wait for each other in a ring.
struct Times {
  WallTime first{}, last{};
};
std::map<Key, Times> times_of(std::span<const DeviceSeen> devices, bool connected) {
  std::map<Key, Times> times;
  for (const auto& seen : devices) {
    if (seen.connected != connected) continue;
    const auto [at, added] = times.try_emplace({seen.user, seen.device}, Times{seen.at, seen.at});
    at->second.last = std::max(at->second.last, seen.at);
  }
  return times;
}

struct Columns {
  PostgresArray users = PostgresArray::of_text(), devices = PostgresArray::of_text();
  PostgresArray first = PostgresArray::of_bigint(), last = PostgresArray::of_bigint();

  explicit Columns(const std::map<Key, Times>& times) {
    for (const auto& [key, time] : times) {
      users.add(key.first);
      devices.add(key.second);
      first.add(static_cast<std::uint64_t>(to_ms(time.first)));
      last.add(static_cast<std::uint64_t>(to_ms(time.last)));
    }
  }
};

void note_arrivals(PostgresConnection& connection, std::span<const DeviceSeen> devices) {
  const Columns rows(times_of(devices, true));
  if (rows.users.empty()) return;
  connection.query(
      "INSERT INTO devices(user_name, device, first_seen, last_seen)"
      " SELECT a, b, c, d FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS n(a, b, c, d)"
      " ON CONFLICT (user_name, device) DO UPDATE"
      " SET last_seen = greatest(devices.last_seen, excluded.last_seen)",
      rows.users, rows.devices, rows.first, rows.last);
  auto users = PostgresArray::of_text(), names = PostgresArray::of_text(), tokens = PostgresArray::of_text();
  for (const auto& seen : devices) {
    if (!seen.connected || seen.token.empty()) continue;
    users.add(seen.user);
    names.add(seen.device);
    tokens.add(seen.token);
  }
  if (!tokens.empty())
    connection.query(
        "INSERT INTO device_tokens(user_name, device, token_id)"
        " SELECT DISTINCT a, b, c FROM unnest($1::text[], $2::text[], $3::text[]) AS n(a, b, c)"
        " ORDER BY a, b, c ON CONFLICT DO NOTHING",
        users, names, tokens);
  connection.query(
      "WITH over AS (DELETE FROM devices d USING ("
      "   SELECT user_name, device, row_number() OVER"
      "     (PARTITION BY user_name ORDER BY last_seen DESC, device) AS place"
      "   FROM devices WHERE user_name = ANY($1::text[])) p"
      "  WHERE p.place > $2 AND d.user_name = p.user_name AND d.device = p.device"
      "  RETURNING d.user_name, d.device)"
      " DELETE FROM device_tokens t USING over WHERE t.user_name = over.user_name AND t.device = over.device",
      rows.users, kDevicesPerUserMax);
}

void note_departures(PostgresConnection& connection, std::span<const DeviceSeen> devices) {
  const Columns rows(times_of(devices, false));
  if (rows.users.empty()) return;
  connection.query(
      "UPDATE devices d SET last_seen = greatest(d.last_seen, n.c)"
      " FROM unnest($1::text[], $2::text[], $3::bigint[]) AS n(a, b, c)"
      " WHERE d.user_name = n.a AND d.device = n.b",
      rows.users, rows.devices, rows.last);
}

}  // namespace

// One that is gone, and came and went before, was there after all that came before: arrivals first is as good.
Result<> PostgresDeviceStore::seen(std::span<const DeviceSeen> devices) {
  if (devices.empty()) return {};
  return pool_->write([&](PostgresConnection& connection) -> Result<> {
    note_arrivals(connection, devices);
    note_departures(connection, devices);
    return {};
  });
}

Result<std::vector<DeviceRow>> PostgresDeviceStore::list(const std::string& user) {
  return pool_->read([&](PostgresConnection& connection) -> Result<std::vector<DeviceRow>> {
    std::vector<DeviceRow> devices;
    for (auto row : connection.query(
             "SELECT device, first_seen, last_seen FROM devices WHERE user_name = $1 ORDER BY device", user))
      devices.push_back({row.string(0), from_ms(row.integer(1)), from_ms(row.integer(2))});
    return devices;
  });
}

Result<Committed<std::vector<std::string>>> PostgresDeviceStore::forget(const std::string& user,
                                                                        const std::string& device) {
  using Tokens = Committed<std::vector<std::string>>;
  return commit_change(
      *pool_, steps_kept_, [&](PostgresConnection& connection, PostgresChange& change) -> Result<Tokens> {
        remove_names(connection);
        const auto registered = drop_registrations(connection, user, device);
        if (connection.query("DELETE FROM devices WHERE user_name = $1 AND device = $2", user, device)
                    .affected() == 0 &&
            registered == 0)
          return fail(Errc::not_found, "There is no device " + device + ".");
        Tokens tokens{};
        StepDraft step;
        auto dropped = connection.query(
            "WITH used AS (DELETE FROM device_tokens WHERE user_name = $1 AND device = $2 RETURNING token_id)"
            " DELETE FROM tokens t USING used WHERE t.id = used.token_id AND t.user_name = $1 RETURNING t.id",
            user, device);
        for (auto row : dropped) tokens.value.push_back(row.string(0));
        std::ranges::sort(tokens.value);
        for (const auto& id : tokens.value) step.changes.push_back(wire::TokenDrop{id});
        if (!tokens.value.empty()) tokens.version = change.write_step(step);
        return tokens;
      });
}

}  // namespace parley::backend
