#include "backend/store/postgres_erase_store.h"

#include "backend/store/audit_rows.h"
#include "backend/store/directory_step_json.h"
#include "backend/store/erase_changes.h"
#include "backend/store/erase_rows.h"
#include "backend/store/postgres_audit_store.h"
#include "backend/store/postgres_change.h"
#include "backend/store/postgres_notify_rows.h"

namespace parley::backend {
namespace {

#define PARLEY_ERASURES "SELECT pseudonym, user_name, salt, digest, begun_at, done_at FROM erasures"

// All of these may be made again.
template <class T>
Result<T> repeatable(Result<T> result) {
  if (!result && result.error().code == Errc::in_doubt) result.error().code = Errc::unavailable;
  return result;
}

std::vector<std::uint64_t> room_numbers(const PostgresRows& rows) {
  std::vector<std::uint64_t> rooms;
  for (auto row : rows) rooms.push_back(row.number(0));
  return rooms;
}

PostgresArray array_of(const std::vector<std::uint64_t>& rooms) {
  auto array = PostgresArray::of_bigint();
  for (const auto room : rooms) array.add(room);
  return array;
}

void leave(PostgresConnection& connection, const Erasure& erasure, StepDraft& step) {
  const auto rooms = room_numbers(connection.query(
      "DELETE FROM members WHERE user_name = $1 AND room_id = ANY(ARRAY(SELECT room_id FROM members WHERE"
      " user_name = $1 LIMIT $2)) RETURNING room_id",
      erasure.user, kMembershipsErasedMax));
  connection.query("UPDATE rooms SET members = members - 1 WHERE id = ANY($1)", array_of(rooms));
  for (const auto room : rooms) {
    step.changes.push_back(wire::MemberPut{.room = room, .user = erasure.user});
    step.entries.push_back(left_entry(erasure, room));
  }
}

void lift_bans_and_mutes(PostgresConnection& connection, const std::string& user, StepDraft& step) {
  for (const auto room : room_numbers(connection.query(
           "DELETE FROM bans WHERE user_name = $1 AND room_id = ANY(ARRAY(SELECT room_id FROM bans WHERE"
           " user_name = $1 LIMIT $2)) RETURNING room_id",
           user, kMembershipsErasedMax)))
    step.changes.push_back(wire::MemberPut{.room = room, .user = user});
  for (const auto room : room_numbers(connection.query(
           "DELETE FROM mutes WHERE user_name = $1 AND room_id = ANY(ARRAY(SELECT room_id FROM mutes WHERE"
           " user_name = $1 LIMIT $2)) RETURNING room_id",
           user, kMembershipsErasedMax)))
    step.changes.push_back(wire::MutePut{.room = room, .user = user});
}

bool refers_to(PostgresConnection& connection, const std::string& user) {
  return connection
      .query(
          "SELECT EXISTS (SELECT 1 FROM members WHERE user_name = $1) OR EXISTS (SELECT 1 FROM bans WHERE "
          "user_name = $1)"
          " OR EXISTS (SELECT 1 FROM mutes WHERE user_name = $1)"
          " OR EXISTS (SELECT 1 FROM invitations WHERE user_name = $1)",
          user)[0]
      .flag(0);
}

// Entries that the broker has not confirmed stay, under other names; all else of the log goes.
Result<> forget_steps(PostgresConnection& connection, const Erasure& erasure) {
  auto rows = connection.query("SELECT version, entries FROM directory_log WHERE entries_pending");
  for (auto row : rows) {
    auto entries = entries_from_text(row.text(1));
    if (!entries) return std::unexpected(entries.error());
    replace_names_in(*entries, only(erasure.user, erasure.pseudonym));
    connection.query("UPDATE directory_log SET changes = '[]', entries = $2 WHERE version = $1",
                     row.number(0), entries_to_text(*entries));
  }
  return {};
}

}  // namespace

bool name_blocked(PostgresConnection& connection, const std::string& name) {
  for (auto row : connection.query("SELECT DISTINCT salt FROM erasures")) {
    const auto digest = wire::name_digest(row.text(0), name);
    if (!connection.query("SELECT 1 FROM erasures WHERE digest = $1", digest).empty()) return true;
  }
  return false;
}

Result<Committed<Erasure>> PostgresEraseStore::begin(const std::string& user, const std::optional<Act>& act) {
  return repeatable(commit_change(
      *pool_, steps_kept_,
      [&](PostgresConnection& connection, PostgresChange& change) -> Result<Committed<Erasure>> {
        if (auto rows = connection.query(PARLEY_ERASURES " WHERE user_name = $1", user); !rows.empty())
          return Committed<Erasure>{read_erasure(rows[0]), 0};
        if (connection.query("SELECT 1 FROM users WHERE name = $1", user).empty())
          return fail(Errc::not_found, "There is no such user.");
        remove_names(connection);
        silence(connection, user);
        auto salts = connection.query("SELECT salt FROM erasures LIMIT 1");
        const auto erasure = new_erasure(user, salts.empty() ? "" : salts[0].string(0), clock_.wall());
        connection.query("INSERT INTO erasures VALUES ($1, $2, $3, $4, $5, 0)", erasure.pseudonym,
                         erasure.user, erasure.salt, erasure.digest, to_ms(erasure.begun_at));
        connection.query(
            "UPDATE users SET title = '', admin = false, disabled = true, scram = '' WHERE name = $1", user);
        StepDraft step{.changes = {wire::UserPut{.name = user, .disabled = true}, name_block(erasure)}};
        for (auto row : connection.query("DELETE FROM tokens WHERE user_name = $1 RETURNING id", user))
          step.changes.push_back(wire::TokenDrop{row.string(0)});
        if (act) record_act(connection, act_of_erasing(*act, erasure), clock_.wall());
        return Committed<Erasure>{erasure, change.write_step(step)};
      }));
}

Result<LeftRooms> PostgresEraseStore::leave_some(const Erasure& erasure) {
  return repeatable(commit_change(
      *pool_, steps_kept_, [&](PostgresConnection& connection, PostgresChange& change) -> Result<LeftRooms> {
        StepDraft step;
        leave(connection, erasure, step);
        lift_bans_and_mutes(connection, erasure.user, step);
        connection.query("DELETE FROM invitations WHERE user_name = $1", erasure.user);
        connection.query("UPDATE invitations SET inviter = $2 WHERE inviter = $1", erasure.user,
                         erasure.pseudonym);
        connection.query("UPDATE join_links SET creator = $2 WHERE creator = $1", erasure.user,
                         erasure.pseudonym);
        if (step.changes.empty()) return LeftRooms{};
        const auto version = change.write_step(step);
        return LeftRooms{refers_to(connection, erasure.user), version, rooms_of(step)};
      }));
}

Result<std::optional<std::uint64_t>> PostgresEraseStore::rename_acts(const Erasure& erasure,
                                                                     std::uint64_t after) {
  return repeatable(pool_->write([&](PostgresConnection& connection) -> Result<std::optional<std::uint64_t>> {
    auto rows = connection.query(
        "SELECT id, at, actor, device, address, action, room, user_name, outcome, details FROM audit"
        " WHERE id > $1 ORDER BY id LIMIT $2",
        after, kActsErasedMax);
    std::uint64_t last = 0;
    for (auto row : rows) {
      const auto recorded = read_act(row);
      last = recorded.id;
      const auto act = act_without(recorded.act, erasure);
      if (!act) continue;
      connection.query(
          "UPDATE audit SET actor = $2, device = $3, address = $4, user_name = $5, details = $6 WHERE id = "
          "$1",
          recorded.id, act->actor, act->device, act->address, act->user, act->details);
    }
    if (last == 0) return std::nullopt;
    return last;
  }));
}

Result<> PostgresEraseStore::note_rooms(const Erasure& erasure, const std::vector<std::uint64_t>& rooms) {
  return repeatable(pool_->write([&](PostgresConnection& connection) -> Result<> {
    connection.query(
        "INSERT INTO erased_rooms(pseudonym, room_id) SELECT $1, n.id FROM unnest($2::bigint[]) AS n(id)"
        " ON CONFLICT DO NOTHING",
        erasure.pseudonym, array_of(rooms));
    return {};
  }));
}

Result<Committed<bool>> PostgresEraseStore::tell_some(const Erasure& erasure) {
  return repeatable(commit_change(
      *pool_, steps_kept_,
      [&](PostgresConnection& connection, PostgresChange& change) -> Result<Committed<bool>> {
        const auto rooms = room_numbers(connection.query(
            "DELETE FROM erased_rooms WHERE pseudonym = $1 AND room_id = ANY(ARRAY(SELECT room_id FROM"
            " erased_rooms WHERE pseudonym = $1 ORDER BY room_id LIMIT $2)) RETURNING room_id",
            erasure.pseudonym, kMembershipsErasedMax));
        if (rooms.empty()) return Committed<bool>{false, 0};
        StepDraft step;
        for (auto row :
             connection.query("SELECT id FROM rooms WHERE id = ANY($1) AND NOT deleted", array_of(rooms)))
          step.entries.push_back(erased_entry(erasure, row.number(0)));
        if (step.entries.empty()) return Committed<bool>{true, 0};
        return Committed<bool>{true, change.write_step(step)};
      }));
}

Result<Committed<bool>> PostgresEraseStore::forget(const Erasure& erasure) {
  return repeatable(commit_change(
      *pool_, steps_kept_,
      [&](PostgresConnection& connection, PostgresChange& change) -> Result<Committed<bool>> {
        if (refers_to(connection, erasure.user)) return Committed<bool>{false, 0};
        remove_names(connection);
        forget_wishes(connection, erasure.user);
        connection.query("DELETE FROM device_tokens WHERE user_name = $1", erasure.user);
        connection.query("DELETE FROM devices WHERE user_name = $1", erasure.user);
        connection.query("DELETE FROM presence WHERE user_name = $1", erasure.user);
        connection.query("DELETE FROM tokens WHERE user_name = $1", erasure.user);
        connection.query("DELETE FROM users WHERE name = $1", erasure.user);
        connection.query("UPDATE erasures SET user_name = '' WHERE user_name = $1", erasure.user);
        if (auto forgotten = forget_steps(connection, erasure); !forgotten)
          return std::unexpected(forgotten.error());
        return Committed<bool>{true, change.skip_version()};
      }));
}

Result<> PostgresEraseStore::finish(const Erasure& erasure) {
  return repeatable(pool_->write([&](PostgresConnection& connection) -> Result<> {
    connection.query("UPDATE erasures SET done_at = $2 WHERE pseudonym = $1 AND done_at = 0",
                     erasure.pseudonym, to_ms(clock_.wall()));
    return {};
  }));
}

Result<std::optional<Erasure>> PostgresEraseStore::unfinished() {
  return pool_->read([](PostgresConnection& connection) -> Result<std::optional<Erasure>> {
    auto rows = connection.query(PARLEY_ERASURES " WHERE done_at = 0 ORDER BY begun_at LIMIT 1");
    if (rows.empty()) return std::nullopt;
    return read_erasure(rows[0]);
  });
}

Result<std::vector<Erasure>> PostgresEraseStore::list(const std::string& after, std::uint32_t limit) {
  return pool_->read([&](PostgresConnection& connection) -> Result<std::vector<Erasure>> {
    std::vector<Erasure> erasures;
    for (auto row :
         connection.query(PARLEY_ERASURES " WHERE pseudonym > $1 ORDER BY pseudonym LIMIT $2", after, limit))
      erasures.push_back(read_erasure(row));
    return erasures;
  });
}

#undef PARLEY_ERASURES

}  // namespace parley::backend
