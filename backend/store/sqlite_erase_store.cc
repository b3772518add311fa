#include "backend/store/sqlite_erase_store.h"

#include "backend/store/audit_rows.h"
#include "backend/store/erase_changes.h"
#include "backend/store/erase_rows.h"
#include "backend/store/sqlite_audit_store.h"
#include "backend/store/sqlite_directory_log.h"
#include "backend/store/sqlite_notify_rows.h"

namespace parley::backend {
namespace {

#define PARLEY_ERASURES "SELECT pseudonym, user, salt, digest, begun_at, done_at FROM erasures"

std::string salt_in_use(SqliteConnection& connection) {
  auto row = connection.query("SELECT salt FROM erasures LIMIT 1");
  return row.step() ? row.string(0) : "";
}

// Gives the drops for the Directory.
void drop_tokens(SqliteConnection& connection, const std::string& user,
                 std::vector<wire::DirectoryChange>& changes) {
  {
    auto row = connection.query("SELECT id FROM tokens WHERE user = ?", user);
    while (row.step()) changes.push_back(wire::TokenDrop{row.string(0)});
  }
  connection.run("DELETE FROM tokens WHERE user = ?", user);
}

std::vector<std::uint64_t> some_rooms(SqliteConnection& connection, std::string_view sql,
                                      const std::string& who) {
  std::vector<std::uint64_t> rooms;
  auto row = connection.query(sql, who, kMembershipsErasedMax);
  while (row.step()) rooms.push_back(row.number(0));
  return rooms;
}

void leave(SqliteConnection& connection, const Erasure& erasure, StepDraft& step) {
  for (const auto room :
       some_rooms(connection, "SELECT room_id FROM members WHERE user = ? LIMIT ?", erasure.user)) {
    connection.run("DELETE FROM members WHERE room_id = ? AND user = ?", room, erasure.user);
    connection.run("UPDATE rooms SET members = members - 1 WHERE id = ?", room);
    step.changes.push_back(wire::MemberPut{.room = room, .user = erasure.user});
    step.entries.push_back(left_entry(erasure, room));
  }
}

void lift_bans_and_mutes(SqliteConnection& connection, const std::string& user, StepDraft& step) {
  for (const auto room : some_rooms(connection, "SELECT room_id FROM bans WHERE user = ? LIMIT ?", user)) {
    connection.run("DELETE FROM bans WHERE room_id = ? AND user = ?", room, user);
    step.changes.push_back(wire::MemberPut{.room = room, .user = user});
  }
  for (const auto room : some_rooms(connection, "SELECT room_id FROM mutes WHERE user = ? LIMIT ?", user)) {
    connection.run("DELETE FROM mutes WHERE room_id = ? AND user = ?", room, user);
    step.changes.push_back(wire::MutePut{.room = room, .user = user});
  }
}

bool refers_to(SqliteConnection& connection, const std::string& user) {
  return connection
      .query(
          "SELECT 1 WHERE EXISTS (SELECT 1 FROM members WHERE user = ?1) OR EXISTS (SELECT 1 FROM bans WHERE "
          "user = ?1)"
          " OR EXISTS (SELECT 1 FROM mutes WHERE user = ?1) OR EXISTS (SELECT 1 FROM invitations WHERE user "
          "= ?1)",
          user)
      .step();
}

// Entries that the broker has not confirmed stay, under other names; all else of the log goes.
Result<> forget_steps(SqliteConnection& connection, const Erasure& erasure) {
  auto steps = pending_steps(connection);
  if (!steps) return std::unexpected(steps.error());
  for (auto& step : *steps) {
    replace_names_in(step.entries, only(erasure.user, erasure.pseudonym));
    rewrite_step(connection, step);
  }
  return {};
}

}  // namespace

bool name_blocked(SqliteConnection& connection, const std::string& name) {
  auto row = connection.query("SELECT DISTINCT salt FROM erasures");
  while (row.step()) {
    const auto digest = wire::name_digest(row.text(0), name);
    if (connection.query("SELECT 1 FROM erasures WHERE digest = ?", digest).step()) return true;
  }
  return false;
}

Result<Committed<Erasure>> SqliteEraseStore::begin(const std::string& user, const std::optional<Act>& act) {
  return database_->write([&](SqliteConnection& connection) -> Result<Committed<Erasure>> {
    {
      auto row = connection.query(PARLEY_ERASURES " WHERE user = ?", user);
      if (row.step()) return Committed<Erasure>{read_erasure(row), 0};
    }
    if (!connection.query("SELECT 1 FROM users WHERE name = ?", user).step())
      return fail(Errc::not_found, "There is no such user.");
    const auto erasure = new_erasure(user, salt_in_use(connection), clock_.wall());
    connection.run("INSERT INTO erasures VALUES (?, ?, ?, ?, ?, 0)", erasure.pseudonym, erasure.user,
                   erasure.salt, erasure.digest, to_ms(erasure.begun_at));
    connection.run("UPDATE users SET title = '', admin = 0, disabled = 1, scram = '' WHERE name = ?", user);
    StepDraft step{.changes = {wire::UserPut{.name = user, .disabled = true}, name_block(erasure)}};
    drop_tokens(connection, user, step.changes);
    silence(connection, user);
    if (act) record_act(connection, act_of_erasing(*act, erasure), clock_.wall());
    return Committed<Erasure>{erasure, write_step(connection, step, steps_kept_)};
  });
}

Result<LeftRooms> SqliteEraseStore::leave_some(const Erasure& erasure) {
  return database_->write([&](SqliteConnection& connection) -> Result<LeftRooms> {
    StepDraft step;
    leave(connection, erasure, step);
    lift_bans_and_mutes(connection, erasure.user, step);
    connection.run("DELETE FROM invitations WHERE user = ?", erasure.user);
    connection.run("UPDATE invitations SET inviter = ?2 WHERE inviter = ?1", erasure.user, erasure.pseudonym);
    connection.run("UPDATE join_links SET creator = ?2 WHERE creator = ?1", erasure.user, erasure.pseudonym);
    if (step.changes.empty()) return LeftRooms{};
    const auto version = write_step(connection, step, steps_kept_);
    return LeftRooms{refers_to(connection, erasure.user), version, rooms_of(step)};
  });
}

Result<std::optional<std::uint64_t>> SqliteEraseStore::rename_acts(const Erasure& erasure,
                                                                   std::uint64_t after) {
  return database_->write([&](SqliteConnection& connection) -> Result<std::optional<std::uint64_t>> {
    std::vector<RecordedAct> acts;
    {
      auto row = connection.query(
          "SELECT id, at, actor, device, address, action, room, user, outcome, details FROM audit"
          " WHERE id > ? ORDER BY id LIMIT ?",
          after, kActsErasedMax);
      while (row.step()) acts.push_back(read_act(row));
    }
    if (acts.empty()) return std::nullopt;
    for (const auto& recorded : acts) {
      const auto act = act_without(recorded.act, erasure);
      if (!act) continue;
      connection.run(
          "UPDATE audit SET actor = ?2, device = ?3, address = ?4, user = ?5, details = ?6 WHERE id = ?1",
          recorded.id, act->actor, act->device, act->address, act->user, act->details);
    }
    return acts.back().id;
  });
}

Result<> SqliteEraseStore::note_rooms(const Erasure& erasure, const std::vector<std::uint64_t>& rooms) {
  return database_->write([&](SqliteConnection& connection) -> Result<> {
    for (const auto room : rooms)
      connection.run("INSERT INTO erased_rooms(pseudonym, room_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
                     erasure.pseudonym, room);
    return {};
  });
}

Result<Committed<bool>> SqliteEraseStore::tell_some(const Erasure& erasure) {
  return database_->write([&](SqliteConnection& connection) -> Result<Committed<bool>> {
    StepDraft step;
    const auto rooms = some_rooms(connection, "SELECT room_id FROM erased_rooms WHERE pseudonym = ? LIMIT ?",
                                  erasure.pseudonym);
    if (rooms.empty()) return Committed<bool>{false, 0};
    for (const auto room : rooms) {
      connection.run("DELETE FROM erased_rooms WHERE pseudonym = ? AND room_id = ?", erasure.pseudonym, room);
      if (connection.query("SELECT 1 FROM rooms WHERE id = ? AND deleted = 0 AND orphaned = 0", room).step())
        step.entries.push_back(erased_entry(erasure, room));
    }
    if (step.entries.empty()) return Committed<bool>{true, 0};
    return Committed<bool>{true, write_step(connection, step, steps_kept_)};
  });
}

Result<Committed<bool>> SqliteEraseStore::forget(const Erasure& erasure) {
  return database_->write([&](SqliteConnection& connection) -> Result<Committed<bool>> {
    if (refers_to(connection, erasure.user)) return Committed<bool>{false, 0};
    forget_wishes(connection, erasure.user);
    for (const char* sql :
         {"DELETE FROM device_tokens WHERE user = ?", "DELETE FROM devices WHERE user = ?",
          "DELETE FROM presence WHERE user = ?", "DELETE FROM tokens WHERE user = ?",
          "DELETE FROM users WHERE name = ?", "UPDATE erasures SET user = '' WHERE user = ?"})
      connection.run(sql, erasure.user);
    if (auto forgotten = forget_steps(connection, erasure); !forgotten)
      return std::unexpected(forgotten.error());
    return Committed<bool>{true, skip_version(connection)};
  });
}

Result<> SqliteEraseStore::finish(const Erasure& erasure) {
  return database_->write([&](SqliteConnection& connection) -> Result<> {
    connection.run("UPDATE erasures SET done_at = ?2 WHERE pseudonym = ?1 AND done_at = 0", erasure.pseudonym,
                   to_ms(clock_.wall()));
    return {};
  });
}

Result<std::optional<Erasure>> SqliteEraseStore::unfinished() {
  return database_->read([](SqliteConnection& connection) -> Result<std::optional<Erasure>> {
    auto row = connection.query(PARLEY_ERASURES " WHERE done_at = 0 ORDER BY begun_at LIMIT 1");
    if (!row.step()) return std::nullopt;
    return read_erasure(row);
  });
}

Result<std::vector<Erasure>> SqliteEraseStore::list(const std::string& after, std::uint32_t limit) {
  return database_->read([&](SqliteConnection& connection) -> Result<std::vector<Erasure>> {
    std::vector<Erasure> erasures;
    auto row =
        connection.query(PARLEY_ERASURES " WHERE pseudonym > ? ORDER BY pseudonym LIMIT ?", after, limit);
    while (row.step()) erasures.push_back(read_erasure(row));
    return erasures;
  });
}

#undef PARLEY_ERASURES

}  // namespace parley::backend
