#include <algorithm>

#include "base/ids.h"
#include "tests/fakes/memory_stores.h"

namespace parley::backend {
namespace {

class MemoryDirectoryLog final : public DirectoryLog {
 public:
  explicit MemoryDirectoryLog(std::shared_ptr<MemoryDatabase> database) : database_(std::move(database)) {}

  Result<std::string> directory_id() override { return database_->directory_id; }
  Result<std::uint64_t> version() override {
    std::lock_guard lock(database_->mutex);
    return database_->version;
  }
  Result<std::vector<DirectoryStep>> steps_after(std::uint64_t version, std::uint32_t limit) override;
  Result<std::uint64_t> snapshot(
      std::uint32_t part, const std::function<Result<>(std::vector<wire::DirectoryChange>)>& sink) override;
  Result<std::vector<DirectoryStep>> unconfirmed_entries(std::uint32_t limit) override;
  Result<> entries_confirmed(std::uint64_t version) override;
  Result<std::uint64_t> renew_epochs() override;

 private:
  std::vector<wire::DirectoryChange> everything() const;

  std::shared_ptr<MemoryDatabase> database_;
};

Result<std::vector<DirectoryStep>> MemoryDirectoryLog::steps_after(std::uint64_t version,
                                                                   std::uint32_t limit) {
  std::lock_guard lock(database_->mutex);
  if (version < database_->log_floor || version > database_->version)
    return fail(Errc::not_found, "The log does not reach back so far.");
  std::vector<DirectoryStep> steps;
  for (auto at = database_->log.upper_bound(version); at != database_->log.end() && steps.size() < limit;
       ++at)
    steps.push_back(at->second);
  return steps;
}

std::vector<wire::DirectoryChange> MemoryDirectoryLog::everything() const {
  std::vector<wire::DirectoryChange> all;
  for (const auto& [name, a] : database_->accounts)
    all.push_back(wire::UserPut{.name = name, .admin = a.admin, .disabled = a.disabled, .scram = a.scram});
  for (const auto& [id, row] : database_->tokens) {
    auto expires = row.token.expires_at ? to_ms(*row.token.expires_at) : 0;
    all.push_back(
        wire::TokenPut{.id = id, .user = row.token.user, .sha256 = row.sha256, .expires_ms = expires});
  }
  for (const auto& [id, row] : database_->rooms) {
    if (row.deleted || row.orphaned) continue;
    auto last_seq = row.room.last_seq;
    for (const auto& [place, envelope] : database_->quarantine[id])
      last_seq = std::max(last_seq, place.first);
    all.push_back(wire::RoomPut{.id = id,
                                .name = row.room.name,
                                .kind = row.room.kind,
                                .epoch = row.room.epoch,
                                .last_seq = last_seq,
                                .slow_s = row.room.slow_s});
  }
  for (bool banned : {false, true})
    for (const auto& [key, m] : database_->standings)
      if (m.banned == banned)
        all.push_back(wire::MemberPut{.room = key.first, .user = m.user, .role = m.role, .banned = m.banned});
  for (const auto& [key, until] : database_->mutes)
    all.push_back(wire::MutePut{.room = key.first, .user = key.second, .until_ms = to_ms(until)});
  for (const auto& [pseudonym, erasure] : database_->erasures)
    all.push_back(wire::NameBlock{.salt = erasure.salt, .digest = erasure.digest});
  return all;
}

Result<std::uint64_t> MemoryDirectoryLog::snapshot(
    std::uint32_t part, const std::function<Result<>(std::vector<wire::DirectoryChange>)>& sink) {
  std::unique_lock lock(database_->mutex);
  auto version = database_->version;
  auto all = everything();
  lock.unlock();
  for (std::size_t first = 0; first < all.size(); first += part) {
    auto end = std::min<std::size_t>(first + part, all.size());
    if (auto taken = sink({all.begin() + static_cast<std::ptrdiff_t>(first),
                           all.begin() + static_cast<std::ptrdiff_t>(end)});
        !taken)
      return std::unexpected(taken.error());
  }
  return version;
}

Result<std::vector<DirectoryStep>> MemoryDirectoryLog::unconfirmed_entries(std::uint32_t limit) {
  std::lock_guard lock(database_->mutex);
  std::vector<DirectoryStep> steps;
  for (const auto& [version, step] : database_->log)
    if (!step.entries.empty() && steps.size() < limit) steps.push_back({version, {}, step.entries});
  return steps;
}

Result<> MemoryDirectoryLog::entries_confirmed(std::uint64_t version) {
  std::lock_guard lock(database_->mutex);
  if (auto step = database_->log.find(version); step != database_->log.end()) step->second.entries.clear();
  return {};
}

Result<std::uint64_t> MemoryDirectoryLog::renew_epochs() {
  std::lock_guard lock(database_->mutex);
  std::uint64_t renewed = 0;
  for (auto& [id, row] : database_->rooms) {
    if (row.deleted || row.orphaned) continue;
    row.room.epoch = random_id(8);
    ++renewed;
    for (auto& [key, member] : database_->standings) {
      if (key.first != id) continue;
      member.marks.received = std::min(member.marks.received, row.room.last_seq);
      member.marks.read = std::min(member.marks.read, row.room.last_seq);
    }
    if (const auto cursor = database_->notify_cursors.find(id); cursor != database_->notify_cursors.end())
      cursor->second = std::min(cursor->second, row.room.last_seq);
    database_->drop_jobs([&](const NotifyJob& job) {
      return job.room_id == id && std::max(job.want_seq, job.notice_seq) > row.room.last_seq;
    });
  }
  database_->forget_steps_to(++database_->version);
  return renewed;
}

}  // namespace

MemoryDatabase::MemoryDatabase() : directory_id(random_id(16)) {}

MemoryDatabase::RoomRow* MemoryDatabase::living(std::uint64_t room_id) {
  auto row = rooms.find(room_id);
  return row == rooms.end() || row->second.deleted || row->second.orphaned ? nullptr : &row->second;
}

std::uint64_t MemoryDatabase::write_step(const StepDraft& draft, std::uint32_t steps_kept) {
  ++version;
  log[version] = {version, draft.changes, number_entries(draft, version)};
  if (version > steps_kept) forget_steps_to(version - steps_kept);
  return version;
}

void MemoryDatabase::forget_steps_to(std::uint64_t floor) {
  log_floor = std::max(log_floor, floor);
  std::erase_if(log, [&](const auto& item) { return item.first <= floor && item.second.entries.empty(); });
}

std::unique_ptr<DirectoryLog> memory_directory(std::shared_ptr<MemoryDatabase> database) {
  return std::make_unique<MemoryDirectoryLog>(std::move(database));
}

Stores open_memory_stores(std::shared_ptr<MemoryDatabase> database, std::uint32_t steps_kept,
                          const Clock& clock) {
  Stores stores;
  stores.messages = memory_messages(database);
  stores.search = memory_search(database);
  stores.rooms = memory_rooms(database, steps_kept, clock);
  stores.marks = memory_marks(database);
  stores.unread = memory_unread(database);
  stores.retention = memory_retention(database, clock);
  stores.users = memory_users(database, steps_kept, clock);
  stores.directory = memory_directory(database);
  stores.audit = memory_audit(database, clock);
  stores.admissions = memory_admissions(database, clock);
  stores.presence = memory_presence(database);
  stores.devices = memory_devices(database, steps_kept);
  stores.erasures = memory_erasures(database, steps_kept, clock);
  stores.push = memory_push(database, clock);
  stores.notify = memory_notify(database);
  stores.deliveries = memory_deliveries(database);
  return stores;
}

}  // namespace parley::backend
