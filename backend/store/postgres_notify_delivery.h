#pragma once
#include <memory>

#include "backend/store/notify_store.h"
#include "backend/store/postgres_pool.h"

namespace parley::backend {

// On the database of accounts and rooms.
class PostgresNotifyDelivery final : public NotifyDelivery {
 public:
  explicit PostgresNotifyDelivery(std::shared_ptr<PostgresPool> pool) : pool_(std::move(pool)) {}

  Result<std::vector<NotifyJob>> claim(const std::string& provider, const std::string& by,
                                       std::uint32_t limit, WallTime now, WallTime until) override;
  Result<std::uint32_t> finish(const std::string& by, std::span<const NotifyResult> results,
                               WallTime now) override;
  Result<std::vector<NotifyLogRow>> log(const NotifyLogQuery& query) override;
  Result<std::vector<DeadLetter>> dead(std::uint64_t after, std::uint32_t limit) override;
  Result<std::uint32_t> retry_dead(std::span<const std::uint64_t> ids, WallTime now) override;
  Result<std::vector<NotifyQueue>> queues() override;
  Result<bool> sweep(WallTime shown_before, WallTime kept_from, std::uint32_t limit) override;

 private:
  std::shared_ptr<PostgresPool> pool_;
};

}  // namespace parley::backend
