#include <algorithm>

#include "backend/store/room_search_key.h"
#include "base/crypto.h"
#include "base/encoding.h"
#include "base/ids.h"
#include "tests/fakes/memory_stores.h"
#include "wire/json_members.h"

namespace parley::backend {
namespace {

class MemoryRoomStore final : public RoomStore {
 public:
  MemoryRoomStore(std::shared_ptr<MemoryDatabase> database, std::uint32_t steps_kept, const Clock& clock)
      : database_(std::move(database)), steps_kept_(steps_kept), clock_(clock) {}

  Result<Room> find(const std::string& name) override;
  Result<Room> get(std::uint64_t room_id) override;
  Result<std::vector<RoomOfUser>> list(const RoomQuery& query) override;
  Result<Member> member(std::uint64_t room_id, const std::string& user) override;
  Result<std::vector<Member>> members(const MemberQuery& query) override;
  Result<Committed<Room>> create(const NewRoom& room) override;
  Result<Committed<Room>> update(std::uint64_t room_id, const RoomUpdate& update) override;
  Result<Committed<Room>> erase(std::uint64_t room_id, const std::optional<Act>& act) override;
  Result<Committed<Member>> change_member(const MemberChange& change) override;
  Result<std::uint64_t> count() override;

 private:
  Room seen(const MemoryDatabase::RoomRow& row) const;
  Member standing(std::uint64_t room_id, const std::string& user) const;
  std::string peer(const Room& room, const std::string& user) const;
  bool leaves_no_owner(const Member& now, const MemberChange& change) const;
  std::ptrdiff_t live_mutes_but(const MemberChange& change) const;
  void put_mute(const MemberChange& change, std::vector<wire::DirectoryChange>& changes);

  std::shared_ptr<MemoryDatabase> database_;
  std::uint32_t steps_kept_;
  const Clock& clock_;
};

std::unexpected<Error> missing() {
  return fail(Errc::not_found, "It is not there.");
}

Room MemoryRoomStore::seen(const MemoryDatabase::RoomRow& row) const {
  auto room = row.room;
  room.members =
      static_cast<std::uint32_t>(std::ranges::count_if(database_->standings, [&](const auto& item) {
        return item.first.first == room.id && !item.second.banned;
      }));
  return room;
}

Member MemoryRoomStore::standing(std::uint64_t room_id, const std::string& user) const {
  auto at = database_->standings.find({room_id, user});
  auto member = at == database_->standings.end() ? Member{.user = user} : at->second;
  if (auto mute = database_->mutes.find({room_id, user}); mute != database_->mutes.end())
    member.muted_until = mute->second;
  return member;
}

std::string MemoryRoomStore::peer(const Room& room, const std::string& user) const {
  if (room.kind != wire::RoomKind::direct) return "";
  for (const auto& [key, member] : database_->standings)
    if (key.first == room.id && member.user != user && !member.banned) return member.user;
  return "";
}

Result<Room> MemoryRoomStore::find(const std::string& name) {
  std::lock_guard lock(database_->mutex);
  for (const auto& [id, row] : database_->rooms)
    if (database_->living(id) && row.room.name == name) return seen(row);
  return missing();
}

Result<Room> MemoryRoomStore::get(std::uint64_t room_id) {
  std::lock_guard lock(database_->mutex);
  auto* row = database_->living(room_id);
  if (!row) return missing();
  return seen(*row);
}

Result<std::vector<RoomOfUser>> MemoryRoomStore::list(const RoomQuery& query) {
  std::lock_guard lock(database_->mutex);
  std::vector<RoomOfUser> rooms;
  for (const auto& [id, row] : database_->rooms) {
    if (!database_->living(id) || row.room.name <= query.after) continue;
    const auto me = standing(id, query.user);
    if (query.which == RoomQuery::Which::of_user && me.role == wire::Role::none) continue;
    if (query.which == RoomQuery::Which::all_public &&
        (!row.room.is_public ||
         !room_search_key(row.room.name, row.room.title).contains(fold_text(query.text))))
      continue;
    rooms.push_back(
        {seen(row), me.role, me.marks, me.role == wire::Role::none ? "" : peer(row.room, query.user)});
  }
  std::ranges::sort(rooms, {}, [](const RoomOfUser& item) { return item.room.name; });
  if (rooms.size() > query.limit) rooms.resize(query.limit);
  return rooms;
}

Result<Member> MemoryRoomStore::member(std::uint64_t room_id, const std::string& user) {
  std::lock_guard lock(database_->mutex);
  return standing(room_id, user);
}

Result<std::vector<Member>> MemoryRoomStore::members(const MemberQuery& query) {
  std::lock_guard lock(database_->mutex);
  std::vector<Member> members;
  for (const auto& [key, member] : database_->standings) {
    if (key.first == query.room_id && member.banned == query.banned && key.second > query.after &&
        members.size() < query.limit)
      members.push_back(query.banned ? member : standing(key.first, key.second));
  }
  return members;
}

Result<Committed<Room>> MemoryRoomStore::create(const NewRoom& draft) {
  std::lock_guard lock(database_->mutex);
  for (const auto& [id, row] : database_->rooms)
    if (database_->living(id) && fold_case(row.room.name) == fold_case(draft.name))
      return fail(Errc::already_exists, "The name is taken.");
  for (const auto& member : draft.members)
    if (!database_->accounts.contains(member.user) || database_->being_erased(member.user)) return missing();
  Room room{.id = (random_u64() & wire::kJsonIntegerMax) | 1,
            .name = draft.name,
            .kind = draft.kind,
            .title = draft.title,
            .is_public = draft.is_public,
            .epoch = random_id(8),
            .retain = draft.retain};
  auto& row = database_->rooms[room.id] = {.room = room};
  StepDraft step{
      .changes = {wire::RoomPut{.id = room.id, .name = room.name, .kind = room.kind, .epoch = room.epoch}},
      .room_id = room.id,
      .entries = draft.entries};
  for (const auto& member : draft.members) {
    database_->standings[{room.id, member.user}] = {
        .user = member.user, .role = member.role, .since = clock_.wall()};
    step.changes.push_back(wire::MemberPut{.room = room.id, .user = member.user, .role = member.role});
  }
  database_->record_act(draft.act, clock_.wall());
  return Committed<Room>{seen(row), database_->write_step(step, steps_kept_)};
}

Result<Committed<Room>> MemoryRoomStore::update(std::uint64_t room_id, const RoomUpdate& update) {
  std::lock_guard lock(database_->mutex);
  auto* row = database_->living(room_id);
  if (!row) return missing();
  row->room.title = update.title.value_or(row->room.title);
  row->room.is_public = update.is_public.value_or(row->room.is_public);
  row->room.retain = update.retain.value_or(row->room.retain);
  StepDraft step{.room_id = room_id, .entries = update.entries};
  if (update.slow_s && *update.slow_s != std::exchange(row->room.slow_s, *update.slow_s))
    step.changes.push_back(wire::RoomPut{.id = room_id,
                                         .name = row->room.name,
                                         .kind = row->room.kind,
                                         .epoch = row->room.epoch,
                                         .last_seq = row->room.last_seq,
                                         .slow_s = row->room.slow_s});
  database_->record_act(update.act, clock_.wall());
  std::uint64_t version = 0;
  if (!step.changes.empty() || !step.entries.empty()) version = database_->write_step(step, steps_kept_);
  return Committed<Room>{seen(*row), version};
}

Result<Committed<Room>> MemoryRoomStore::erase(std::uint64_t room_id, const std::optional<Act>& act) {
  std::lock_guard lock(database_->mutex);
  auto* row = database_->living(room_id);
  if (!row) return missing();
  auto room = seen(*row);
  if (room.held) return std::unexpected(held_room());
  row->deleted = true;
  database_->messages.erase(room_id);
  database_->quarantine.erase(room_id);
  std::erase_if(database_->standings, [&](const auto& item) { return item.first.first == room_id; });
  std::erase_if(database_->mutes, [&](const auto& item) { return item.first.first == room_id; });
  std::erase_if(database_->room_wishes, [&](const auto& item) { return item.first.first == room_id; });
  database_->notify_cursors.erase(room_id);
  database_->drop_jobs([&](const NotifyJob& job) { return job.room_id == room_id; });
  for (auto& [version, step] : database_->log)
    std::erase_if(step.entries, [&](const auto& entry) { return entry.room == room_id; });
  database_->record_act(act, clock_.wall());
  auto version = database_->write_step({.changes = {wire::RoomDrop{room_id}}}, steps_kept_);
  return Committed<Room>{room, version};
}

bool MemoryRoomStore::leaves_no_owner(const Member& now, const MemberChange& change) const {
  if (now.role != wire::Role::owner || change.role == wire::Role::owner) return false;
  bool others = false;
  for (const auto& [key, member] : database_->standings) {
    if (key.first != change.room_id || key.second == change.user || member.banned) continue;
    if (member.role == wire::Role::owner) return false;
    others = true;
  }
  return others || change.role != wire::Role::none;
}

Result<Committed<Member>> MemoryRoomStore::change_member(const MemberChange& change) {
  std::lock_guard lock(database_->mutex);
  if (!database_->living(change.room_id) || !database_->accounts.contains(change.user) ||
      database_->being_erased(change.user))
    return missing();
  auto now = standing(change.room_id, change.user);
  const bool moves = now.role != change.role || now.banned != change.banned;
  const bool mutes = change.muted_until.value_or(now.muted_until) != now.muted_until;
  if (!moves && !mutes) return Committed<Member>{now, 0};
  if (leaves_no_owner(now, change)) return fail(Errc::permission_denied, "There would be no owner.");
  StepDraft step{.room_id = change.room_id, .entries = change.entries};
  if (mutes && *change.muted_until != WallTime{} && live_mutes_but(change) >= kMutesOfRoomMax)
    return fail(Errc::invalid_argument, "As many are muted as may be.");
  if (auto used = database_->use_ticket(change, clock_.wall()); !used) return std::unexpected(used.error());
  bool was = now.role != wire::Role::none, is = change.role != wire::Role::none;
  Member next{.user = change.user, .role = change.role, .banned = change.banned};
  if (is || change.banned) next.since = (was && is) || !moves ? now.since : clock_.wall();
  const auto last_seq = database_->rooms[change.room_id].room.last_seq;
  if (is) next.marks = was ? now.marks : Marks{.received = last_seq, .read = last_seq};
  database_->standings.erase({change.room_id, change.user});
  if (is || change.banned) database_->standings[{change.room_id, change.user}] = next;
  if (moves)
    step.changes.push_back(wire::MemberPut{
        .room = change.room_id, .user = change.user, .role = change.role, .banned = change.banned});
  if (mutes) put_mute(change, step.changes);
  next.muted_until = change.muted_until.value_or(now.muted_until);
  database_->record_act(change.act, clock_.wall());
  return Committed<Member>{next, database_->write_step(step, steps_kept_)};
}

std::ptrdiff_t MemoryRoomStore::live_mutes_but(const MemberChange& change) const {
  return std::ranges::count_if(database_->mutes, [&](const auto& item) {
    return item.first.first == change.room_id && item.first.second != change.user &&
           item.second > clock_.wall();
  });
}

void MemoryRoomStore::put_mute(const MemberChange& change, std::vector<wire::DirectoryChange>& changes) {
  std::erase_if(database_->mutes, [&](const auto& item) {
    if (item.first.first != change.room_id || item.first.second == change.user || item.second > clock_.wall())
      return false;
    changes.push_back(wire::MutePut{.room = change.room_id, .user = item.first.second});
    return true;
  });
  database_->mutes.erase({change.room_id, change.user});
  if (*change.muted_until != WallTime{})
    database_->mutes[{change.room_id, change.user}] = *change.muted_until;
  changes.push_back(
      wire::MutePut{.room = change.room_id, .user = change.user, .until_ms = to_ms(*change.muted_until)});
}

Result<std::uint64_t> MemoryRoomStore::count() {
  std::lock_guard lock(database_->mutex);
  std::uint64_t count = 0;
  for (const auto& [id, row] : database_->rooms) count += database_->living(id) != nullptr;
  return count;
}

}  // namespace

std::unique_ptr<RoomStore> memory_rooms(std::shared_ptr<MemoryDatabase> database, std::uint32_t steps_kept,
                                        const Clock& clock) {
  return std::make_unique<MemoryRoomStore>(std::move(database), steps_kept, clock);
}

}  // namespace parley::backend
