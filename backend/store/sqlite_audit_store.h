#pragma once
#include <memory>

#include "backend/store/audit_store.h"
#include "backend/store/sqlite_database.h"

namespace parley::backend {

class SqliteAuditStore final : public AuditStore {
 public:
  SqliteAuditStore(std::shared_ptr<SqliteDatabase> database, const Clock& clock)
      : database_(std::move(database)), clock_(clock) {}

  Result<> record(const Act& act) override;
  Result<std::vector<RecordedAct>> list(const AuditQuery& query) override;
  Result<std::uint64_t> forget_before(WallTime time, std::uint32_t limit) override;

 private:
  std::shared_ptr<SqliteDatabase> database_;
  const Clock& clock_;
};

// Part of the transaction that makes the change; nothing when there is no act. May throw SqliteFailure.
void record_act(SqliteConnection& connection, const std::optional<Act>& act, WallTime now);

}  // namespace parley::backend
