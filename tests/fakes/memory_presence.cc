#include "tests/fakes/memory_stores.h"

namespace parley::backend {
namespace {

class MemoryPresenceStore final : public PresenceStore {
 public:
  explicit MemoryPresenceStore(std::shared_ptr<MemoryDatabase> database) : database_(std::move(database)) {}

  Result<> put(std::span<const PresenceRow> rows) override {
    std::lock_guard lock(database_->mutex);
    for (const auto& row : rows) {
      auto& kept = database_->presence[row.user];
      kept = {row.user, row.status, row.last_seen, kept.invisible};
    }
    return {};
  }
  Result<> set_invisible(const std::string& user, bool invisible) override {
    std::lock_guard lock(database_->mutex);
    auto& kept = database_->presence[user];
    kept.user = user;
    kept.invisible = invisible;
    return {};
  }
  Result<> remove(const std::string& user) override {
    std::lock_guard lock(database_->mutex);
    database_->presence.erase(user);
    return {};
  }
  Result<std::vector<PresenceRow>> get(std::span<const std::string> users) override {
    std::lock_guard lock(database_->mutex);
    std::vector<PresenceRow> rows;
    for (const auto& user : users)
      if (auto at = database_->presence.find(user); at != database_->presence.end())
        rows.push_back(at->second);
    return rows;
  }
  Result<std::vector<PresenceRow>> watched(const std::string& after, std::uint32_t limit) override {
    std::lock_guard lock(database_->mutex);
    std::vector<PresenceRow> rows;
    auto& all = database_->presence;
    for (auto at = all.upper_bound(after); at != all.end() && rows.size() < limit; ++at)
      if (at->second.status != PresenceStatus::offline || at->second.invisible) rows.push_back(at->second);
    return rows;
  }
  Result<std::vector<PresenceRow>> of_room(std::uint64_t room_id, const std::string& after,
                                           std::uint32_t limit) override {
    std::lock_guard lock(database_->mutex);
    std::vector<PresenceRow> rows;
    for (const auto& user : members(room_id)) {
      if (user <= after || rows.size() >= limit) continue;
      auto at = database_->presence.find(user);
      rows.push_back(at == database_->presence.end() ? PresenceRow{.user = user} : at->second);
    }
    return rows;
  }
  Result<PresenceCounts> counts(std::uint64_t room_id) override {
    std::lock_guard lock(database_->mutex);
    PresenceCounts counts;
    for (const auto& user : members(room_id)) {
      auto at = database_->presence.find(user);
      if (at == database_->presence.end()) continue;
      counts.online += at->second.status == PresenceStatus::online;
      counts.away += at->second.status == PresenceStatus::away;
    }
    return counts;
  }
  Result<bool> share_a_room(const std::string& one, const std::string& other) override {
    std::lock_guard lock(database_->mutex);
    for (const auto& [key, member] : database_->standings) {
      auto theirs = database_->standings.find({key.first, other});
      if (key.second == one && !member.banned && theirs != database_->standings.end() &&
          !theirs->second.banned)
        return true;
    }
    return false;
  }
  Result<WallTime> watched_at() override {
    std::lock_guard lock(database_->mutex);
    return database_->presence_watched_at;
  }
  Result<> set_watched_at(WallTime at) override {
    std::lock_guard lock(database_->mutex);
    database_->presence_watched_at = at;
    return {};
  }

 private:
  std::vector<std::string> members(std::uint64_t room_id) const {  // in order
    std::vector<std::string> users;
    for (const auto& [key, member] : database_->standings)
      if (key.first == room_id && !member.banned) users.push_back(key.second);
    return users;
  }

  std::shared_ptr<MemoryDatabase> database_;
};

}  // namespace

std::unique_ptr<PresenceStore> memory_presence(std::shared_ptr<MemoryDatabase> database) {
  return std::make_unique<MemoryPresenceStore>(std::move(database));
}

}  // namespace parley::backend
