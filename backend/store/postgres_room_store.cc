#include "backend/store/postgres_room_store.h"

#include <algorithm>

#include "backend/store/postgres_admission_store.h"
#include "backend/store/postgres_audit_store.h"
#include "backend/store/postgres_change.h"
#include "backend/store/postgres_directory_log.h"
#include "backend/store/postgres_notify_rows.h"
#include "backend/store/postgres_purge.h"
#include "backend/store/postgres_room_rows.h"
#include "backend/store/room_search_key.h"
#include "base/crypto.h"
#include "base/encoding.h"
#include "base/ids.h"
#include "wire/json_members.h"

namespace parley::backend {
namespace {

constexpr std::size_t kEpochChars = 8;
constexpr std::chrono::seconds kPurgeRetry{60};

// Some of one deleted room, wherever its messages lie; false: nothing is left to be done.
Result<bool> purge(PostgresPool& pool, PostgresShards* shards) {
  if (!shards) return purge_deleted_room(pool);
  auto told = shards->tell_deletion();
  if (!told || *told) return told;
  for (std::size_t i = 0; i < shards->size(); ++i) {
    auto purged = purge_deleted_room(shards->pool(i));
    if (!purged || *purged) return purged;
  }
  return false;
}

std::uint64_t unused_room_id(PostgresConnection& connection) {
  while (true) {
    auto id = random_u64() & wire::kJsonIntegerMax;
    if (id != 0 && connection.query("SELECT 1 FROM room_progress WHERE room_id = $1", id).empty()) return id;
  }
}

bool name_taken(PostgresConnection& connection, const std::string& name) {
  return !connection.query("SELECT 1 FROM rooms WHERE name_key = $1 AND NOT deleted", fold_case(name))
              .empty();
}

wire::RoomPut room_put(const Room& room) {
  return {.id = room.id,
          .name = room.name,
          .kind = room.kind,
          .epoch = room.epoch,
          .last_seq = room.last_seq,
          .slow_s = room.slow_s};
}

void insert_members(PostgresConnection& connection, std::uint64_t room_id,
                    const std::vector<NewMember>& members, WallTime since, const Marks& marks = {}) {
  auto users = PostgresArray::of_text(), roles = PostgresArray::of_bigint();
  for (const auto& member : members) {
    users.add(member.user);
    roles.add(static_cast<std::uint64_t>(member.role));
  }
  connection.query(
      "INSERT INTO members(room_id, user_name, role, since, received, read)"
      " SELECT $1::bigint, n.name, n.role, $4::bigint, $5::bigint, $6::bigint"
      " FROM unnest($2::text[], $3::bigint[]) AS n(name, role)",
      room_id, users, roles, to_ms(since), marks.received, marks.read);
}

// Nobody else is owner, and somebody other than a leaving `user` remains.
bool leaves_no_owner(PostgresConnection& connection, const Member& now, const MemberChange& change) {
  if (now.role != wire::Role::owner || change.role == wire::Role::owner) return false;
  static_assert(static_cast<int>(wire::Role::owner) == 4, "index owners_of_room holds this number");
  auto others =
      connection.query("SELECT 1 FROM members WHERE room_id = $1 AND user_name <> $2 AND role = 4 LIMIT 1",
                       change.room_id, change.user);
  if (!others.empty()) return false;
  if (change.role != wire::Role::none) return true;
  return !connection
              .query("SELECT 1 FROM members WHERE room_id = $1 AND user_name <> $2 LIMIT 1", change.room_id,
                     change.user)
              .empty();
}

// The rows of `change`; gives the member as they stand after it. Whoever joins has read all before. A new role
// leaves the row, whose marks somebody may be raising, in its place.
Member put_member(PostgresConnection& connection, const Member& now, const MemberChange& change,
                  const Marks& at_joining, WallTime time) {
  bool was = now.role != wire::Role::none;
  bool is = change.role != wire::Role::none;
  Member next{.user = change.user, .role = change.role, .banned = change.banned};
  if (is || change.banned) next.since = was && is ? now.since : time;
  if (is) next.marks = was ? now.marks : at_joining;
  if (was && is) {
    connection.query("UPDATE members SET role = $3::bigint WHERE room_id = $1 AND user_name = $2",
                     change.room_id, change.user, static_cast<int>(change.role));
  } else if (was) {
    connection.query("DELETE FROM members WHERE room_id = $1 AND user_name = $2", change.room_id,
                     change.user);
  }
  if (now.banned)
    connection.query("DELETE FROM bans WHERE room_id = $1 AND user_name = $2", change.room_id, change.user);
  if (is && !was)
    insert_members(connection, change.room_id, {{change.user, change.role}}, next.since, next.marks);
  if (change.banned) {
    connection.query("INSERT INTO bans(room_id, user_name, since) VALUES ($1, $2, $3)", change.room_id,
                     change.user, to_ms(next.since));
  }
  if (was != is) {
    connection.query("UPDATE rooms SET members = members + $1::bigint WHERE id = $2", is ? 1 : -1,
                     change.room_id);
  }
  return next;
}

wire::MutePut mute_put(std::uint64_t room_id, const std::string& user, WallTime until) {
  return {.room = room_id, .user = user, .until_ms = to_ms(until)};
}

// The row of change.muted_until; takes the room's mutes that have ended away with it.
Result<> put_mute(PostgresConnection& connection, const MemberChange& change, WallTime now,
                  std::vector<wire::DirectoryChange>& changes) {
  auto gone = connection.query(
      "DELETE FROM mutes WHERE room_id = $1 AND (until <= $2 OR user_name = $3) RETURNING user_name",
      change.room_id, to_ms(now), change.user);
  for (auto row : gone)
    if (row.text(0) != change.user) changes.push_back(mute_put(change.room_id, row.string(0), {}));
  changes.push_back(mute_put(change.room_id, change.user, *change.muted_until));
  if (*change.muted_until == WallTime{}) return {};
  auto count = connection.query("SELECT count(*) FROM mutes WHERE room_id = $1", change.room_id);
  if (count[0].number(0) >= kMutesOfRoomMax)
    return fail(Errc::invalid_argument, "As many are muted in this room as may be.");
  connection.query("INSERT INTO mutes(room_id, user_name, until) VALUES ($1, $2, $3)", change.room_id,
                   change.user, to_ms(*change.muted_until));
  return {};
}

PostgresArray names_of(const std::vector<NewMember>& members) {
  auto names = PostgresArray::of_text();
  for (const auto& member : members) names.add(member.user);
  return names;
}

}  // namespace

PostgresRoomStore::PostgresRoomStore(std::shared_ptr<PostgresPool> pool,
                                     std::shared_ptr<PostgresShards> shards, std::uint32_t steps_kept,
                                     const Clock& clock)
    : pool_(std::move(pool)),
      shards_(std::move(shards)),
      steps_kept_(steps_kept),
      clock_(clock),
      purge_([pool = pool_, shards = shards_] { return purge(*pool, shards.get()); }, kPurgeRetry) {}

// Adds what the rooms' shards know. One query for each shard.
Result<> PostgresRoomStore::complete(std::vector<PlacedRoom*> rooms) {
  std::erase_if(rooms, [](const auto* placed) { return placed->shard.empty(); });
  while (!rooms.empty()) {
    auto rest = std::ranges::partition(
        rooms, [&, shard = rooms.front()->shard](const auto* placed) { return placed->shard != shard; });
    std::vector<std::uint64_t> ids;
    for (const auto* placed : rest) ids.push_back(placed->room.id);
    if (!shards_)
      return fail(Errc::unavailable, "A room lies in another database; store_shards does not name it.");
    auto progress = shards_->progress(rest.front()->shard, ids);
    if (!progress) return std::unexpected(progress.error());
    for (auto* placed : rest) {
      const auto& there = (*progress)[placed->room.id];
      placed->room.last_seq = there.last_seq;
      placed->room.quarantined = there.quarantined;
      placed->room.counted = there.counted;
      placed->room.rewritten = there.rewritten;
      placed->room.annotated = there.annotated;
      placed->room.last_message = there.last_message;
      placed->room.expired = there.expired;
      placed->room.retain = there.retain;
    }
    rooms.erase(rest.begin(), rest.end());
  }
  return {};
}

Result<Room> PostgresRoomStore::completed(Result<PlacedRoom> room) {
  if (!room) return std::unexpected(room.error());
  if (auto done = complete({&*room}); !done) return std::unexpected(done.error());
  return std::move(room->room);
}

// Where the room's shard does not answer, its join entry will tell (MarkedMessageStore).
Marks PostgresRoomStore::marks_at_joining(PlacedRoom placed) {
  auto room = completed(std::move(placed));
  if (!room) return {};
  return {.received = room->last_seq, .read = room->last_seq};
}

Result<Room> PostgresRoomStore::insert_room(PostgresConnection& connection, const NewRoom& draft) {
  Room room{.id = unused_room_id(connection),
            .name = draft.name,
            .kind = draft.kind,
            .title = draft.title,
            .is_public = draft.is_public,
            .epoch = random_id(kEpochChars),
            .members = static_cast<std::uint32_t>(draft.members.size()),
            .retain = draft.retain};
  auto shard = shards_ ? shards_->place(room.id) : "";
  connection.query(
      "INSERT INTO rooms(id, name, name_key, kind, title, public, epoch, members, shard, search_key)"
      " VALUES ($1, $2, $3, $4::bigint, $5, $6, $7, $8::bigint, $9, $10)",
      room.id, room.name, fold_case(room.name), static_cast<int>(room.kind), room.title, room.is_public,
      room.epoch, room.members, shard, room_search_key(room.name, room.title));
  if (!shard.empty()) {
    if (auto added = shards_->add_room(shard, room.id, room.name, room.retain); !added)
      return std::unexpected(added.error());
  } else {
    connection.query(
        "INSERT INTO room_progress(room_id, room, state, retain_s, retain_messages) VALUES ($1, $2, 0, $3, "
        "$4)",
        room.id, room.name, room.retain.seconds, room.retain.messages);
  }
  return room;
}

// Last in its transaction: another database is told before this one commits.
Result<> PostgresRoomStore::set_retention(PostgresConnection& connection, const std::string& shard,
                                          Room& room, const std::optional<Retention>& retain) {
  if (!retain || *retain == room.retain) return {};
  room.retain = *retain;
  if (!shard.empty()) return shards_->set_retention(shard, room.id, room.retain);
  write_retention(connection, room.id, room.retain);
  return {};
}

Result<Room> PostgresRoomStore::find(const std::string& name) {
  return completed(
      pool_->read([&](PostgresConnection& connection) { return room_by_name(connection, name); }));
}

Result<Room> PostgresRoomStore::get(std::uint64_t room_id) {
  return completed(
      pool_->read([&](PostgresConnection& connection) { return room_by_id(connection, room_id); }));
}

Result<std::vector<RoomOfUser>> PostgresRoomStore::list(const RoomQuery& query) {
  struct Listed {
    PlacedRoom placed;
    wire::Role role;
    Marks marks;
    std::string peer;
  };
  auto listed = pool_->read([&](PostgresConnection& connection) -> Result<std::vector<Listed>> {
    std::vector<Listed> rooms;
    const auto sql = rooms_query(query.which);
    const auto found =
        query.which == RoomQuery::Which::all_public
            ? connection.query(sql, query.user, query.after, query.limit, fold_text(query.text))
            : connection.query(sql, query.user, query.after, query.limit);
    for (auto row : found)
      rooms.push_back(
          {read_room(row),
           static_cast<wire::Role>(row.integer(kPostgresRoomColumns)),
           {.received = row.number(kPostgresRoomColumns + 1), .read = row.number(kPostgresRoomColumns + 2)},
           row.string(kPostgresRoomColumns + 3)});
    return rooms;
  });
  if (!listed) return std::unexpected(listed.error());
  std::vector<PlacedRoom*> placed;
  for (auto& one : *listed) placed.push_back(&one.placed);
  if (auto done = complete(std::move(placed)); !done) return std::unexpected(done.error());
  std::vector<RoomOfUser> rooms;
  for (auto& one : *listed)
    rooms.push_back({std::move(one.placed.room), one.role, one.marks, std::move(one.peer)});
  return rooms;
}

Result<Member> PostgresRoomStore::member(std::uint64_t room_id, const std::string& user) {
  return pool_->read([&](PostgresConnection& connection) -> Result<Member> {
    return standing_of(connection, room_id, user);
  });
}

Result<std::vector<Member>> PostgresRoomStore::members(const MemberQuery& query) {
  return pool_->read([&](PostgresConnection& connection) -> Result<std::vector<Member>> {
    std::vector<Member> members;
    for (auto row : connection.query(members_query(query.banned), query.room_id, query.after, query.limit))
      members.push_back(read_member(row));
    return members;
  });
}

Result<Committed<Room>> PostgresRoomStore::create(const NewRoom& draft) {
  return commit_change(
      *pool_, steps_kept_,
      [&](PostgresConnection& connection, PostgresChange& change) -> Result<Committed<Room>> {
        if (name_taken(connection, draft.name))
          return fail(Errc::already_exists, "There is a room of this name already.");
        if (auto known = require_accounts(connection, names_of(draft.members)); !known)
          return std::unexpected(known.error());
        auto room = insert_room(connection, draft);
        if (!room) return std::unexpected(room.error());
        insert_members(connection, room->id, draft.members, clock_.wall());
        StepDraft step{.changes = {room_put(*room)}, .room_id = room->id, .entries = draft.entries};
        for (const auto& member : draft.members)
          step.changes.push_back(wire::MemberPut{.room = room->id, .user = member.user, .role = member.role});
        record_act(connection, draft.act, clock_.wall());
        auto version = change.write_step(step);
        return Committed<Room>{std::move(*room), version};
      });
}

Result<Committed<Room>> PostgresRoomStore::update(std::uint64_t room_id, const RoomUpdate& update) {
  return commit_change(
      *pool_, steps_kept_,
      [&](PostgresConnection& connection, PostgresChange& change) -> Result<Committed<Room>> {
        auto placed = room_by_id(connection, room_id);
        const auto shard = placed ? placed->shard : std::string();
        auto room = completed(std::move(placed));
        if (!room) return std::unexpected(room.error());
        room->title = update.title.value_or(room->title);
        room->is_public = update.is_public.value_or(room->is_public);
        StepDraft step{.room_id = room_id, .entries = update.entries};
        if (update.slow_s && *update.slow_s != std::exchange(room->slow_s, *update.slow_s))
          step.changes.push_back(room_put(*room));
        connection.query(
            "UPDATE rooms SET title = $2, public = $3, slow_s = $4, search_key = $5 WHERE id = $1", room_id,
            room->title, room->is_public, room->slow_s, room_search_key(room->name, room->title));
        record_act(connection, update.act, clock_.wall());
        std::uint64_t version = 0;
        if (!step.changes.empty() || !step.entries.empty()) version = change.write_step(step);
        if (auto set = set_retention(connection, shard, *room, update.retain); !set)
          return std::unexpected(set.error());
        return Committed<Room>{std::move(*room), version};
      });
}

Result<Committed<Room>> PostgresRoomStore::erase(std::uint64_t room_id, const std::optional<Act>& act) {
  auto erased = commit_change(
      *pool_, steps_kept_,
      [&](PostgresConnection& connection, PostgresChange& change) -> Result<Committed<Room>> {
        auto room = room_by_id(connection, room_id);
        if (!room) return std::unexpected(room.error());
        if (room->room.held) return std::unexpected(held_room());
        remove_names(connection);
        forget_wishes_about(connection, room_id);
        connection.query("DELETE FROM members WHERE room_id = $1", room_id);
        for (const char* sql :
             {"DELETE FROM bans WHERE room_id = $1", "DELETE FROM mutes WHERE room_id = $1",
              "DELETE FROM invitations WHERE room_id = $1", "DELETE FROM join_links WHERE room_id = $1"})
          connection.query(sql, room_id);
        connection.query(
            "UPDATE rooms SET deleted = true, members = 0, shard_told = (shard = '') WHERE id = $1", room_id);
        connection.query("UPDATE room_progress SET state = 1, messages = 0 WHERE room_id = $1", room_id);
        if (auto dropped = drop_entries_of(connection, room_id); !dropped)
          return std::unexpected(dropped.error());
        record_act(connection, act, clock_.wall());
        auto version = change.write_step({.changes = {wire::RoomDrop{room_id}}});
        return Committed<Room>{std::move(room->room), version};
      });
  if (!erased) return erased;
  // At once where the shard answers, else when the purge comes to it: readers ask for the room here first.
  if (shards_) (void)shards_->tell_deletion();
  purge_.wake();
  return erased;
}

Result<Committed<Member>> PostgresRoomStore::change_member(const MemberChange& draft) {
  return commit_change(
      *pool_, steps_kept_,
      [&](PostgresConnection& connection, PostgresChange& change) -> Result<Committed<Member>> {
        auto room = room_by_id(connection, draft.room_id);
        if (!room) return std::unexpected(room.error());
        if (auto known = require_accounts(connection, names_of({{draft.user, draft.role}})); !known)
          return std::unexpected(known.error());
        auto now = standing_of(connection, draft.room_id, draft.user);
        const bool moves = now.role != draft.role || now.banned != draft.banned;
        const bool mutes = draft.muted_until.value_or(now.muted_until) != now.muted_until;
        if (!moves && !mutes) return Committed<Member>{std::move(now), 0};
        if (leaves_no_owner(connection, now, draft))
          return fail(Errc::permission_denied, "The room would be left without an owner.");
        if (auto used = use_ticket(connection, draft, clock_.wall()); !used)
          return std::unexpected(used.error());
        StepDraft step{.room_id = draft.room_id, .entries = draft.entries};
        auto next =
            moves ? put_member(connection, now, draft, marks_at_joining(*std::move(room)), clock_.wall())
                  : now;
        if (moves)
          step.changes.push_back(wire::MemberPut{
              .room = draft.room_id, .user = draft.user, .role = draft.role, .banned = draft.banned});
        next.muted_until = draft.muted_until.value_or(now.muted_until);
        if (mutes) {
          auto put = put_mute(connection, draft, clock_.wall(), step.changes);
          if (!put) return std::unexpected(put.error());
        }
        record_act(connection, draft.act, clock_.wall());
        auto version = change.write_step(step);
        return Committed<Member>{std::move(next), version};
      });
}

Result<std::uint64_t> PostgresRoomStore::count() {
  return pool_->read([](PostgresConnection& connection) -> Result<std::uint64_t> {
    return connection.query("SELECT count(*) FROM rooms WHERE NOT deleted")[0].number(0);
  });
}

}  // namespace parley::backend
