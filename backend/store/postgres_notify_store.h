#pragma once
#include <memory>

#include "backend/store/notify_store.h"
#include "backend/store/postgres_pool.h"

namespace parley::backend {

// On the database of accounts and rooms.
class PostgresNotifyStore final : public NotifyStore {
 public:
  explicit PostgresNotifyStore(std::shared_ptr<PostgresPool> pool) : pool_(std::move(pool)) {}

  Result<std::vector<std::uint64_t>> cursors(std::span<const std::uint64_t> rooms) override;
  Result<> set_cursor(std::uint64_t room_id, std::uint64_t seq) override;
  Result<std::vector<NotifyCandidate>> candidates(const CandidateQuery& query) override;
  Result<> mark(std::span<const NotifyMark> marks, WallTime now) override;
  Result<std::uint32_t> touch(std::uint64_t room_id, std::span<const std::uint64_t> seqs,
                              WallTime now) override;
  Result<std::vector<NotifyJob>> due(WallTime now, std::uint32_t limit) override;
  Result<std::optional<WallTime>> next_due() override;
  Result<> judge(std::span<const NotifyVerdict> verdicts, WallTime now) override;

 private:
  std::shared_ptr<PostgresPool> pool_;
};

}  // namespace parley::backend
