#include <algorithm>
#include <ranges>

#include "tests/fakes/memory_stores.h"

namespace parley::backend {
namespace {

class MemoryAuditStore final : public AuditStore {
 public:
  MemoryAuditStore(std::shared_ptr<MemoryDatabase> database, const Clock& clock)
      : database_(std::move(database)), clock_(clock) {}

  Result<> record(const Act& act) override {
    std::lock_guard lock(database_->mutex);
    database_->record_act(act, clock_.wall());
    return {};
  }
  Result<std::vector<RecordedAct>> list(const AuditQuery& query) override {
    std::lock_guard lock(database_->mutex);
    std::vector<RecordedAct> acts;
    for (const auto& one : std::views::reverse(database_->acts)) {
      const bool fits = query.actor.value_or(one.act.actor) == one.act.actor &&
                        query.room.value_or(one.act.room) == one.act.room &&
                        query.user.value_or(one.act.user) == one.act.user &&
                        query.since.value_or(one.at) <= one.at && query.before.value_or(one.id + 1) > one.id;
      if (fits && acts.size() < query.limit) acts.push_back(one);
    }
    return acts;
  }
  Result<std::uint64_t> forget_before(WallTime time, std::uint32_t limit) override {
    std::lock_guard lock(database_->mutex);
    std::uint64_t gone = 0;
    std::erase_if(database_->acts, [&](const RecordedAct& one) {
      const bool goes = one.at < time && gone < limit;
      gone += goes;
      return goes;
    });
    return gone;
  }

 private:
  std::shared_ptr<MemoryDatabase> database_;
  const Clock& clock_;
};

}  // namespace

// Under `mutex`.
void MemoryDatabase::record_act(const std::optional<Act>& act, WallTime now) {
  if (act) acts.push_back({.id = ++last_act, .at = now, .act = *act});
}

std::unique_ptr<AuditStore> memory_audit(std::shared_ptr<MemoryDatabase> database, const Clock& clock) {
  return std::make_unique<MemoryAuditStore>(std::move(database), clock);
}

}  // namespace parley::backend
