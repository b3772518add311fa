#include "backend/store/sqlite_room_store.h"

#include "backend/store/room_search_key.h"
#include "backend/store/sqlite_admission_store.h"
#include "backend/store/sqlite_audit_store.h"
#include "backend/store/sqlite_directory_log.h"
#include "backend/store/sqlite_links.h"
#include "backend/store/sqlite_notify_rows.h"
#include "backend/store/sqlite_room_rows.h"
#include "backend/store/sqlite_search.h"
#include "base/crypto.h"
#include "base/encoding.h"
#include "base/ids.h"
#include "wire/json_members.h"

namespace parley::backend {
namespace {

constexpr std::size_t kEpochChars = 8;

constexpr int kPurgedAtATime = 2000;
constexpr std::chrono::seconds kPurgeRetry{60};

using RoomList = std::vector<RoomOfUser>;

// Removes some rows of one deleted room; false: nothing is left to be done.
Result<bool> purge_some(SqliteConnection& connection) {
  auto row = connection.query("SELECT id FROM rooms WHERE deleted = 1 LIMIT 1");
  if (!row.step()) return false;
  auto room = row.number(0);
  auto removed = connection.run(
      "DELETE FROM messages WHERE room_id = ?1 AND seq <= coalesce("
      " (SELECT seq FROM messages WHERE room_id = ?1 ORDER BY seq LIMIT 1 OFFSET ?2), 9223372036854775807)",
      room, kPurgedAtATime);
  if (removed > 0 || unindex_some(connection, room, kPurgedAtATime)) return true;
  connection.run("DELETE FROM quarantine WHERE room_id = ?", room);
  purge_links(connection, room);
  connection.run("UPDATE rooms SET deleted = 2 WHERE id = ?", room);
  return true;
}

// Looks first without the lock that writing takes.
Result<bool> purge(SqliteDatabase& database) {
  auto any = database.read([](SqliteConnection& connection) -> Result<bool> {
    return connection.query("SELECT 1 FROM rooms WHERE deleted = 1 LIMIT 1").step();
  });
  if (!any || !*any) return any;
  return database.write(purge_some);
}

std::uint64_t unused_room_id(SqliteConnection& connection) {
  while (true) {
    auto id = random_u64() & wire::kJsonIntegerMax;
    if (id != 0 && !connection.query("SELECT 1 FROM rooms WHERE id = ?", id).step()) return id;
  }
}

bool name_taken(SqliteConnection& connection, const std::string& name) {
  auto key = fold_case(name);
  return connection.query("SELECT 1 FROM rooms WHERE name_key = ? AND deleted = 0 AND orphaned = 0", key)
      .step();
}

wire::RoomPut room_put(const Room& room) {
  return {.id = room.id,
          .name = room.name,
          .kind = room.kind,
          .epoch = room.epoch,
          .last_seq = room.last_seq,
          .slow_s = room.slow_s};
}

Room insert_room(SqliteConnection& connection, const NewRoom& draft) {
  Room room{.id = unused_room_id(connection),
            .name = draft.name,
            .kind = draft.kind,
            .title = draft.title,
            .is_public = draft.is_public,
            .epoch = random_id(kEpochChars),
            .members = static_cast<std::uint32_t>(draft.members.size()),
            .retain = draft.retain};
  connection.run(
      "INSERT INTO rooms(id, name, name_key, kind, title, public, epoch, members, search_key, retain_s,"
      " retain_messages) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      room.id, room.name, fold_case(room.name), static_cast<int>(room.kind), room.title, room.is_public,
      room.epoch, room.members, room_search_key(room.name, room.title), room.retain.seconds,
      room.retain.messages);
  return room;
}

// Nobody else is owner, and somebody other than a leaving `user` remains.
bool leaves_no_owner(SqliteConnection& connection, const Member& now, const MemberChange& change) {
  if (now.role != wire::Role::owner || change.role == wire::Role::owner) return false;
  auto others = connection.query("SELECT 1 FROM members WHERE room_id = ? AND user <> ? AND role = ? LIMIT 1",
                                 change.room_id, change.user, static_cast<int>(wire::Role::owner));
  if (others.step()) return false;
  if (change.role != wire::Role::none) return true;
  return connection
      .query("SELECT 1 FROM members WHERE room_id = ? AND user <> ? LIMIT 1", change.room_id, change.user)
      .step();
}

// The rows of `change`; gives the member as they stand after it. Whoever joins has read all before.
Member put_member(SqliteConnection& connection, const Room& room, const Member& now,
                  const MemberChange& change, WallTime time) {
  bool was = now.role != wire::Role::none;
  bool is = change.role != wire::Role::none;
  Member next{.user = change.user, .role = change.role, .banned = change.banned};
  if (is || change.banned) next.since = was && is ? now.since : time;
  if (is) next.marks = was ? now.marks : Marks{.received = room.last_seq, .read = room.last_seq};
  if (was && is)
    connection.run("UPDATE members SET role = ?3 WHERE room_id = ?1 AND user = ?2", change.room_id,
                   change.user, static_cast<int>(change.role));
  else if (was)
    connection.run("DELETE FROM members WHERE room_id = ? AND user = ?", change.room_id, change.user);
  if (now.banned)
    connection.run("DELETE FROM bans WHERE room_id = ? AND user = ?", change.room_id, change.user);
  if (is && !was) insert_member(connection, change.room_id, next);
  if (change.banned) {
    connection.run("INSERT INTO bans VALUES (?, ?, ?)", change.room_id, change.user, to_ms(next.since));
  }
  if (was != is) {
    connection.run("UPDATE rooms SET members = members + ? WHERE id = ?", is ? 1 : -1, change.room_id);
  }
  return next;
}

wire::MutePut mute_put(std::uint64_t room_id, const std::string& user, WallTime until) {
  return {.room = room_id, .user = user, .until_ms = to_ms(until)};
}

// The row of change.muted_until; takes the room's mutes that have ended away with it.
Result<> put_mute(SqliteConnection& connection, const MemberChange& change, WallTime now,
                  std::vector<wire::DirectoryChange>& changes) {
  {
    auto row = connection.query("SELECT user FROM mutes WHERE room_id = ? AND until <= ? AND user <> ?",
                                change.room_id, to_ms(now), change.user);
    while (row.step()) changes.push_back(mute_put(change.room_id, row.string(0), {}));
  }
  connection.run("DELETE FROM mutes WHERE room_id = ? AND (until <= ? OR user = ?)", change.room_id,
                 to_ms(now), change.user);
  changes.push_back(mute_put(change.room_id, change.user, *change.muted_until));
  if (*change.muted_until == WallTime{}) return {};
  auto count = connection.query("SELECT count(*) FROM mutes WHERE room_id = ?", change.room_id);
  if (count.step() && count.number(0) >= kMutesOfRoomMax)
    return fail(Errc::invalid_argument, "As many are muted in this room as may be.");
  connection.run("INSERT INTO mutes VALUES (?, ?, ?)", change.room_id, change.user,
                 to_ms(*change.muted_until));
  return {};
}

std::string_view list_sql(RoomQuery::Which which) {
  switch (which) {
    case RoomQuery::Which::of_user:
      return kRoomsOfUser;
    case RoomQuery::Which::all_public:
      return kPublicRooms;
    case RoomQuery::Which::all:
      return kAllRooms;
  }
  return kRoomsOfUser;
}

}  // namespace

SqliteRoomStore::SqliteRoomStore(std::shared_ptr<SqliteDatabase> database, std::uint32_t steps_kept,
                                 const Clock& clock)
    : database_(std::move(database)),
      steps_kept_(steps_kept),
      clock_(clock),
      purge_([database = database_] { return purge(*database); }, kPurgeRetry) {}

Result<Room> SqliteRoomStore::find(const std::string& name) {
  return database_->read([&](SqliteConnection& connection) { return room_by_name(connection, name); });
}

Result<Room> SqliteRoomStore::get(std::uint64_t room_id) {
  return database_->read([&](SqliteConnection& connection) { return room_by_id(connection, room_id); });
}

Result<RoomList> SqliteRoomStore::list(const RoomQuery& query) {
  return database_->read([&](SqliteConnection& connection) -> Result<RoomList> {
    RoomList rooms;
    const bool searched = query.which == RoomQuery::Which::all_public;
    const auto text = fold_text(query.text);
    auto row = searched ? connection.query(kPublicRooms, query.user, query.after, query.limit, text)
                        : connection.query(list_sql(query.which), query.user, query.after, query.limit);
    while (row.step())
      rooms.push_back({read_room(row),
                       static_cast<wire::Role>(row.integer(kRoomColumns)),
                       {.received = row.number(kRoomColumns + 1), .read = row.number(kRoomColumns + 2)},
                       row.string(kRoomColumns + 3)});
    return rooms;
  });
}

Result<Member> SqliteRoomStore::member(std::uint64_t room_id, const std::string& user) {
  return database_->read(
      [&](SqliteConnection& connection) -> Result<Member> { return standing_of(connection, room_id, user); });
}

Result<std::vector<Member>> SqliteRoomStore::members(const MemberQuery& query) {
  return database_->read([&](SqliteConnection& connection) -> Result<std::vector<Member>> {
    std::vector<Member> members;
    auto row = connection.query(query.banned ? kBannedOfRoom : kMembersOfRoom, query.room_id, query.after,
                                query.limit);
    while (row.step()) members.push_back(read_member(row));
    return members;
  });
}

Result<Committed<Room>> SqliteRoomStore::create(const NewRoom& draft) {
  return database_->write([&](SqliteConnection& connection) -> Result<Committed<Room>> {
    if (name_taken(connection, draft.name)) {
      return fail(Errc::already_exists, "There is a room of this name already.");
    }
    auto room = insert_room(connection, draft);
    StepDraft step{.changes = {room_put(room)}, .room_id = room.id, .entries = draft.entries};
    for (const auto& member : draft.members) {
      if (auto known = require_account(connection, member.user); !known)
        return std::unexpected(known.error());
      insert_member(connection, room.id, {.user = member.user, .role = member.role, .since = clock_.wall()});
      step.changes.push_back(wire::MemberPut{.room = room.id, .user = member.user, .role = member.role});
    }
    record_act(connection, draft.act, clock_.wall());
    auto version = write_step(connection, step, steps_kept_);
    return Committed<Room>{std::move(room), version};
  });
}

Result<Committed<Room>> SqliteRoomStore::update(std::uint64_t room_id, const RoomUpdate& update) {
  return database_->write([&](SqliteConnection& connection) -> Result<Committed<Room>> {
    auto room = room_by_id(connection, room_id);
    if (!room) return std::unexpected(room.error());
    room->title = update.title.value_or(room->title);
    room->is_public = update.is_public.value_or(room->is_public);
    room->retain = update.retain.value_or(room->retain);
    StepDraft step{.room_id = room_id, .entries = update.entries};
    if (update.slow_s && *update.slow_s != std::exchange(room->slow_s, *update.slow_s))
      step.changes.push_back(room_put(*room));
    connection.run(
        "UPDATE rooms SET title = ?2, public = ?3, slow_s = ?4, search_key = ?5, retain_s = ?6,"
        " retain_messages = ?7 WHERE id = ?1",
        room_id, room->title, room->is_public, room->slow_s, room_search_key(room->name, room->title),
        room->retain.seconds, room->retain.messages);
    record_act(connection, update.act, clock_.wall());
    std::uint64_t version = 0;
    if (!step.changes.empty() || !step.entries.empty()) version = write_step(connection, step, steps_kept_);
    return Committed<Room>{std::move(*room), version};
  });
}

Result<Committed<Room>> SqliteRoomStore::erase(std::uint64_t room_id, const std::optional<Act>& act) {
  auto erased = database_->write([&](SqliteConnection& connection) -> Result<Committed<Room>> {
    auto room = room_by_id(connection, room_id);
    if (!room) return std::unexpected(room.error());
    if (room->held) return std::unexpected(held_room());
    connection.run("DELETE FROM members WHERE room_id = ?", room_id);
    for (const char* sql :
         {"DELETE FROM bans WHERE room_id = ?", "DELETE FROM mutes WHERE room_id = ?",
          "DELETE FROM invitations WHERE room_id = ?", "DELETE FROM join_links WHERE room_id = ?"})
      connection.run(sql, room_id);
    forget_wishes_about(connection, room_id);
    connection.run("UPDATE rooms SET deleted = 1, members = 0, messages = 0 WHERE id = ?", room_id);
    if (auto dropped = drop_entries_of(connection, room_id); !dropped)
      return std::unexpected(dropped.error());
    record_act(connection, act, clock_.wall());
    auto version = write_step(connection, {.changes = {wire::RoomDrop{room_id}}}, steps_kept_);
    return Committed<Room>{std::move(*room), version};
  });
  if (erased) purge_.wake();
  return erased;
}

Result<Committed<Member>> SqliteRoomStore::change_member(const MemberChange& change) {
  return database_->write([&](SqliteConnection& connection) -> Result<Committed<Member>> {
    auto room = room_by_id(connection, change.room_id);
    if (!room) return std::unexpected(room.error());
    if (auto known = require_account(connection, change.user); !known) return std::unexpected(known.error());
    auto now = standing_of(connection, change.room_id, change.user);
    const bool moves = now.role != change.role || now.banned != change.banned;
    const bool mutes = change.muted_until.value_or(now.muted_until) != now.muted_until;
    if (!moves && !mutes) return Committed<Member>{std::move(now), 0};
    if (leaves_no_owner(connection, now, change)) {
      return fail(Errc::permission_denied, "The room would be left without an owner.");
    }
    if (auto used = use_ticket(connection, change, clock_.wall()); !used)
      return std::unexpected(used.error());
    StepDraft step{.room_id = change.room_id, .entries = change.entries};
    auto next = moves ? put_member(connection, *room, now, change, clock_.wall()) : now;
    if (moves)
      step.changes.push_back(wire::MemberPut{
          .room = change.room_id, .user = change.user, .role = change.role, .banned = change.banned});
    next.muted_until = change.muted_until.value_or(now.muted_until);
    if (mutes) {
      auto put = put_mute(connection, change, clock_.wall(), step.changes);
      if (!put) return std::unexpected(put.error());
    }
    record_act(connection, change.act, clock_.wall());
    auto version = write_step(connection, step, steps_kept_);
    return Committed<Member>{std::move(next), version};
  });
}

Result<std::uint64_t> SqliteRoomStore::count() {
  return database_->read([](SqliteConnection& connection) -> Result<std::uint64_t> {
    auto row = connection.query("SELECT count(*) FROM rooms WHERE deleted = 0 AND orphaned = 0");
    row.step();
    return row.number(0);
  });
}

}  // namespace parley::backend
