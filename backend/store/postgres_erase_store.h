#pragma once
#include <memory>

#include "backend/store/erase_store.h"
#include "backend/store/postgres_pool.h"

namespace parley::backend {

class PostgresEraseStore final : public EraseStore {
 public:
  PostgresEraseStore(std::shared_ptr<PostgresPool> pool, std::uint32_t steps_kept, const Clock& clock)
      : pool_(std::move(pool)), steps_kept_(steps_kept), clock_(clock) {}

  Result<Committed<Erasure>> begin(const std::string& user, const std::optional<Act>& act) override;
  Result<LeftRooms> leave_some(const Erasure& erasure) override;
  Result<std::optional<std::uint64_t>> rename_acts(const Erasure& erasure, std::uint64_t after) override;
  Result<> note_rooms(const Erasure& erasure, const std::vector<std::uint64_t>& rooms) override;
  Result<Committed<bool>> tell_some(const Erasure& erasure) override;
  Result<Committed<bool>> forget(const Erasure& erasure) override;
  Result<> finish(const Erasure& erasure) override;
  Result<std::optional<Erasure>> unfinished() override;
  Result<std::vector<Erasure>> list(const std::string& after, std::uint32_t limit) override;

 private:
  std::shared_ptr<PostgresPool> pool_;
  std::uint32_t steps_kept_;
  const Clock& clock_;
};

// Inside a transaction; may throw PostgresFailure. The name, in any case, was an erased user's.
bool name_blocked(PostgresConnection& connection, const std::string& name);

}  // namespace parley::backend
