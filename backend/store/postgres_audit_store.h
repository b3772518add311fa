#pragma once
#include <memory>

#include "backend/store/audit_store.h"
#include "backend/store/postgres_pool.h"

namespace parley::backend {

class PostgresAuditStore final : public AuditStore {
 public:
  PostgresAuditStore(std::shared_ptr<PostgresPool> pool, const Clock& clock)
      : pool_(std::move(pool)), clock_(clock) {}

  Result<> record(const Act& act) override;
  Result<std::vector<RecordedAct>> list(const AuditQuery& query) override;
  Result<std::uint64_t> forget_before(WallTime time, std::uint32_t limit) override;

 private:
  std::shared_ptr<PostgresPool> pool_;
  const Clock& clock_;
};

// Part of the transaction that makes the change; nothing when there is no act. May throw PostgresFailure.
void record_act(PostgresConnection& connection, const std::optional<Act>& act, WallTime now);

}  // namespace parley::backend
