#include <algorithm>

#include "backend/store/erase_changes.h"
#include "backend/store/erase_rows.h"
#include "tests/fakes/memory_stores.h"

namespace parley::backend {
namespace {

class MemoryEraseStore final : public EraseStore {
 public:
  MemoryEraseStore(std::shared_ptr<MemoryDatabase> database, std::uint32_t steps_kept, const Clock& clock)
      : database_(std::move(database)), steps_kept_(steps_kept), clock_(clock) {}

  Result<Committed<Erasure>> begin(const std::string& user, const std::optional<Act>& act) override;
  Result<LeftRooms> leave_some(const Erasure& erasure) override;
  Result<std::optional<std::uint64_t>> rename_acts(const Erasure& erasure, std::uint64_t after) override;
  Result<> note_rooms(const Erasure& erasure, const std::vector<std::uint64_t>& rooms) override {
    std::lock_guard lock(database_->mutex);
    database_->erased_rooms[erasure.pseudonym].insert(rooms.begin(), rooms.end());
    return {};
  }
  Result<Committed<bool>> tell_some(const Erasure& erasure) override;
  Result<Committed<bool>> forget(const Erasure& erasure) override;
  Result<> finish(const Erasure& erasure) override {
    std::lock_guard lock(database_->mutex);
    auto& done_at = database_->erasures.at(erasure.pseudonym).done_at;
    if (!done_at) done_at = clock_.wall();
    return {};
  }
  Result<std::optional<Erasure>> unfinished() override;
  Result<std::vector<Erasure>> list(const std::string& after, std::uint32_t limit) override;

 private:
  std::shared_ptr<MemoryDatabase> database_;
  std::uint32_t steps_kept_;
  const Clock& clock_;
};

Result<Committed<Erasure>> MemoryEraseStore::begin(const std::string& user, const std::optional<Act>& act) {
  std::lock_guard lock(database_->mutex);
  std::string salt;
  for (const auto& [pseudonym, erasure] : database_->erasures) {
    if (erasure.user == user) return Committed<Erasure>{erasure, 0};
    salt = erasure.salt;
  }
  auto at = database_->accounts.find(user);
  if (at == database_->accounts.end()) return fail(Errc::not_found, "There is no such user.");
  const auto erasure = new_erasure(user, salt, clock_.wall());
  database_->erasures[erasure.pseudonym] = erasure;
  at->second = {.name = user, .disabled = true, .created_at = at->second.created_at};
  StepDraft step{.changes = {wire::UserPut{.name = user, .disabled = true}, name_block(erasure)}};
  std::erase_if(database_->tokens, [&](const auto& item) {
    if (item.second.token.user != user) return false;
    step.changes.push_back(wire::TokenDrop{item.first});
    return true;
  });
  database_->drop_registrations([&](const Registration& one) { return one.user == user; });
  database_->drop_jobs([&](const NotifyJob& job) { return job.user == user; });
  if (act) {
    auto renamed = *act;
    renamed.user = erasure.pseudonym;
    renamed.details = "{}";
    database_->record_act(renamed, clock_.wall());
  }
  return Committed<Erasure>{erasure, database_->write_step(step, steps_kept_)};
}

Result<LeftRooms> MemoryEraseStore::leave_some(const Erasure& erasure) {
  std::lock_guard lock(database_->mutex);
  StepDraft step;
  std::erase_if(database_->standings, [&](const auto& item) {
    const auto& [room, user] = item.first;
    if (user != erasure.user) return false;
    step.changes.push_back(wire::MemberPut{.room = room, .user = user});
    if (!item.second.banned) {
      --database_->rooms[room].room.members;
      step.entries.push_back(left_entry(erasure, room));
    }
    return true;
  });
  std::erase_if(database_->mutes, [&](const auto& item) {
    if (item.first.second != erasure.user) return false;
    step.changes.push_back(wire::MutePut{.room = item.first.first, .user = erasure.user});
    return true;
  });
  std::erase_if(database_->invitations, [&](const auto& item) { return item.first.second == erasure.user; });
  for (auto& [key, invitation] : database_->invitations)
    if (invitation.by == erasure.user) invitation.by = erasure.pseudonym;
  for (auto& [id, row] : database_->links)
    if (row.link.by == erasure.user) row.link.by = erasure.pseudonym;
  if (step.changes.empty()) return LeftRooms{};
  return LeftRooms{false, database_->write_step(step, steps_kept_), rooms_of(step)};
}

Result<std::optional<std::uint64_t>> MemoryEraseStore::rename_acts(const Erasure& erasure,
                                                                   std::uint64_t after) {
  std::lock_guard lock(database_->mutex);
  std::optional<std::uint64_t> last;
  for (auto& recorded : database_->acts) {
    if (recorded.id <= after) continue;
    last = std::max(last.value_or(0), recorded.id);
    if (auto act = act_without(recorded.act, erasure)) recorded.act = *act;
  }
  return last;
}

Result<Committed<bool>> MemoryEraseStore::tell_some(const Erasure& erasure) {
  std::lock_guard lock(database_->mutex);
  auto rooms = std::exchange(database_->erased_rooms[erasure.pseudonym], {});
  if (rooms.empty()) return Committed<bool>{false, 0};
  StepDraft step;
  for (const auto room : rooms)
    if (auto* row = database_->living(room); row && !row->orphaned)
      step.entries.push_back(erased_entry(erasure, room));
  if (step.entries.empty()) return Committed<bool>{true, 0};
  return Committed<bool>{true, database_->write_step(step, steps_kept_)};
}

Result<Committed<bool>> MemoryEraseStore::forget(const Erasure& erasure) {
  std::lock_guard lock(database_->mutex);
  for (const auto& [key, member] : database_->standings)
    if (key.second == erasure.user) return Committed<bool>{false, 0};
  database_->forget_wishes(erasure.user);
  database_->devices.erase(erasure.user);
  database_->presence.erase(erasure.user);
  database_->accounts.erase(erasure.user);
  database_->erasures.at(erasure.pseudonym).user.clear();
  for (auto& [version, step] : database_->log) {
    step.changes.clear();
    replace_names_in(step.entries, only(erasure.user, erasure.pseudonym));
  }
  const auto version = ++database_->version;
  database_->forget_steps_to(version);
  return Committed<bool>{true, version};
}

Result<std::optional<Erasure>> MemoryEraseStore::unfinished() {
  std::lock_guard lock(database_->mutex);
  std::optional<Erasure> first;
  for (const auto& [pseudonym, erasure] : database_->erasures)
    if (!erasure.done_at && (!first || erasure.begun_at < first->begun_at)) first = erasure;
  return first;
}

Result<std::vector<Erasure>> MemoryEraseStore::list(const std::string& after, std::uint32_t limit) {
  std::lock_guard lock(database_->mutex);
  std::vector<Erasure> erasures;
  for (auto at = database_->erasures.upper_bound(after);
       at != database_->erasures.end() && erasures.size() < limit; ++at)
    erasures.push_back(at->second);
  return erasures;
}

}  // namespace

bool MemoryDatabase::name_blocked(const std::string& name) const {
  return std::ranges::any_of(erasures, [&](const auto& item) {
    return item.second.digest == wire::name_digest(item.second.salt, name);
  });
}

bool MemoryDatabase::being_erased(const std::string& user) const {
  return std::ranges::any_of(erasures,
                             [&](const auto& item) { return !user.empty() && item.second.user == user; });
}

std::unique_ptr<EraseStore> memory_erasures(std::shared_ptr<MemoryDatabase> database,
                                            std::uint32_t steps_kept, const Clock& clock) {
  return std::make_unique<MemoryEraseStore>(std::move(database), steps_kept, clock);
}

}  // namespace parley::backend
