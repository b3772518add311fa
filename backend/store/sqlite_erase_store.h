#pragma once
#include <memory>

#include "backend/store/erase_store.h"
#include "backend/store/sqlite_database.h"

namespace parley::backend {

class SqliteEraseStore final : public EraseStore {
 public:
  SqliteEraseStore(std::shared_ptr<SqliteDatabase> database, std::uint32_t steps_kept, const Clock& clock)
      : database_(std::move(database)), steps_kept_(steps_kept), clock_(clock) {}

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
  std::shared_ptr<SqliteDatabase> database_;
  std::uint32_t steps_kept_;
  const Clock& clock_;
};

// Inside a transaction; may throw SqliteFailure. The name, in any case, was an erased user's.
bool name_blocked(SqliteConnection& connection, const std::string& name);

}  // namespace parley::backend
