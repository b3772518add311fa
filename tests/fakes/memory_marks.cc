#include <algorithm>
#include <set>

#include "base/encoding.h"
#include "tests/fakes/memory_stores.h"

namespace parley::backend {
namespace {

class MemoryMarkStore final : public MarkStore {
 public:
  explicit MemoryMarkStore(std::shared_ptr<MemoryDatabase> database) : database_(std::move(database)) {}

  Result<std::vector<MarkOutcome>> raise(std::span<const MarkRaise> raises) override {
    std::lock_guard lock(database_->mutex);
    std::vector<MarkOutcome> outcomes;
    for (const auto& raise : raises) outcomes.push_back(raise_one(raise));
    return outcomes;
  }
  Result<std::vector<std::string>> mentioned(std::uint64_t room_id, const std::vector<std::string>& keys,
                                             std::uint32_t everyone_max) override;

 private:
  MarkOutcome raise_one(const MarkRaise& raise) {
    for (auto& [id, row] : database_->rooms) {
      if (!database_->living(id) || (raise.room_id != 0 ? id != raise.room_id : row.room.name != raise.room))
        continue;
      auto member = database_->standings.find({id, raise.user});
      if (member == database_->standings.end() || member->second.banned) return {};
      auto outcome = raised(member->second.marks, raise, row.room.last_seq);
      member->second.marks = outcome.now;
      return outcome;
    }
    return {};
  }

  std::shared_ptr<MemoryDatabase> database_;
};

Result<std::vector<std::string>> MemoryMarkStore::mentioned(std::uint64_t room_id,
                                                            const std::vector<std::string>& keys,
                                                            std::uint32_t everyone_max) {
  std::lock_guard lock(database_->mutex);
  std::vector<std::string> all, named;
  for (const auto& [key, member] : database_->standings) {
    if (key.first != room_id || member.banned) continue;
    all.push_back(member.user);
    if (std::ranges::find(keys, fold_case(member.user)) != keys.end()) named.push_back(member.user);
  }
  const bool everyone = std::ranges::find(keys, kEveryone) != keys.end();
  return everyone && all.size() <= everyone_max ? all : named;
}

}  // namespace

std::unique_ptr<MarkStore> memory_marks(std::shared_ptr<MemoryDatabase> database) {
  return std::make_unique<MemoryMarkStore>(std::move(database));
}

}  // namespace parley::backend
