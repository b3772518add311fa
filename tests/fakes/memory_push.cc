#include <algorithm>

#include "base/ids.h"
#include "tests/fakes/memory_stores.h"

namespace parley::backend {
namespace {

std::unexpected<Error> missing() {
  return fail(Errc::not_found, "It is not there.");
}

class MemoryPushStore final : public PushStore {
 public:
  MemoryPushStore(std::shared_ptr<MemoryDatabase> database, const Clock& clock)
      : database_(std::move(database)), clock_(clock) {}

  Result<Registration> put(const Registration& draft) override;
  Result<std::vector<Registration>> list(const std::string& user) override;
  Result<std::optional<Registration>> get(const std::string& id) override;
  Result<std::uint32_t> remove(const std::string& user, const std::string& device,
                               const std::string& provider) override {
    std::lock_guard lock(database_->mutex);
    return database_->drop_registrations([&](const Registration& one) {
      return one.user == user && one.device == device && (provider.empty() || one.provider == provider);
    });
  }
  Result<bool> prune(const std::string& id, const std::string& address) override {
    std::lock_guard lock(database_->mutex);
    return database_->drop_registrations(
               [&](const Registration& one) { return one.id == id && one.address == address; }) > 0;
  }
  Result<QuietHours> quiet_hours(const std::string& user) override {
    std::lock_guard lock(database_->mutex);
    return database_->quiet_hours[user];
  }
  Result<> set_quiet_hours(const std::string& user, const QuietHours& hours) override {
    std::lock_guard lock(database_->mutex);
    if (!known(user)) return missing();
    database_->quiet_hours[user] = hours;
    return {};
  }
  Result<RoomNotify> room(const std::string& user, std::uint64_t room_id) override {
    std::lock_guard lock(database_->mutex);
    return database_->room_wishes[{room_id, user}];
  }
  Result<> set_room(const std::string& user, std::uint64_t room_id, const RoomNotify& notify) override {
    std::lock_guard lock(database_->mutex);
    if (!known(user) || !database_->living(room_id)) return missing();
    database_->room_wishes[{room_id, user}] = notify;
    return {};
  }
  Result<std::vector<std::string>> blocked(const std::string& user) override {
    std::lock_guard lock(database_->mutex);
    const auto& all = database_->blocked[user];
    return std::vector(all.begin(), all.end());
  }
  Result<> set_blocked(const std::string& user, const std::string& whom, bool blocked) override;

 private:
  bool known(const std::string& user) const {
    return database_->accounts.contains(user) && !database_->being_erased(user);
  }

  std::shared_ptr<MemoryDatabase> database_;
  const Clock& clock_;
};

Result<Registration> MemoryPushStore::put(const Registration& draft) {
  std::lock_guard lock(database_->mutex);
  if (!known(draft.user)) return missing();
  auto& all = database_->registrations;
  auto made = draft;
  made.id = random_id(20);
  made.at = clock_.wall();
  for (const auto& [id, one] : all)
    if (one.user == draft.user && one.device == draft.device && one.provider == draft.provider) made.id = id;
  database_->drop_registrations([&](const Registration& one) {
    return one.id != made.id && one.provider == draft.provider && one.address == draft.address;
  });
  all[made.id] = made;
  std::vector<const Registration*> others;
  for (const auto& [id, one] : all)
    if (one.user == draft.user && id != made.id) others.push_back(&one);
  if (others.size() < kRegistrationsPerUserMax) return made;
  const auto oldest = (*std::ranges::min_element(others, {}, [](const Registration* one) {
                        return std::pair(one->at, one->id);
                      }))->id;
  database_->drop_registrations([&](const Registration& one) { return one.id == oldest; });
  return made;
}

Result<std::vector<Registration>> MemoryPushStore::list(const std::string& user) {
  std::lock_guard lock(database_->mutex);
  std::vector<Registration> found;
  for (const auto& [id, one] : database_->registrations)
    if (one.user == user) found.push_back(one);
  std::ranges::sort(found, {}, [](const Registration& one) { return std::pair(one.device, one.provider); });
  return found;
}

Result<std::optional<Registration>> MemoryPushStore::get(const std::string& id) {
  std::lock_guard lock(database_->mutex);
  const auto at = database_->registrations.find(id);
  if (at == database_->registrations.end()) return std::nullopt;
  return at->second;
}

Result<> MemoryPushStore::set_blocked(const std::string& user, const std::string& whom, bool blocked) {
  std::lock_guard lock(database_->mutex);
  if (!known(user) || (blocked && !known(whom))) return missing();
  auto& all = database_->blocked[user];
  if (!blocked) {
    all.erase(whom);
  } else if (all.size() >= kBlockedMax && !all.contains(whom)) {
    return fail(Errc::invalid_argument, "As many are blocked as may be.");
  } else {
    all.insert(whom);
  }
  return {};
}

}  // namespace

void MemoryDatabase::drop_jobs(const std::function<bool(const NotifyJob&)>& which) {
  std::erase_if(notify_jobs, [&](const auto& item) { return which(item.second.job); });
}

std::uint32_t MemoryDatabase::drop_registrations(const std::function<bool(const Registration&)>& which) {
  const auto before = registrations.size();
  std::erase_if(registrations, [&](const auto& item) {
    if (!which(item.second)) return false;
    drop_jobs([&](const NotifyJob& job) { return job.target == item.first; });
    return true;
  });
  return static_cast<std::uint32_t>(before - registrations.size());
}

void MemoryDatabase::forget_wishes(const std::string& user) {
  drop_registrations([&](const Registration& one) { return one.user == user; });
  drop_jobs([&](const NotifyJob& job) { return job.user == user; });
  quiet_hours.erase(user);
  std::erase_if(room_wishes, [&](const auto& item) { return item.first.second == user; });
  blocked.erase(user);
  for (auto& [by, whom] : blocked) whom.erase(user);
  std::erase_if(notify_log, [&](const auto& item) { return item.second.user == user; });
  std::erase_if(dead_letters, [&](const auto& item) { return item.second.event.user == user; });
}

std::unique_ptr<PushStore> memory_push(std::shared_ptr<MemoryDatabase> database, const Clock& clock) {
  return std::make_unique<MemoryPushStore>(std::move(database), clock);
}

}  // namespace parley::backend
