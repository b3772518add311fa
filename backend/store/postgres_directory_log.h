#pragma once
#include <memory>
#include <string>
#include <vector>

#include "backend/store/directory_log.h"
#include "backend/store/postgres_pool.h"
#include "backend/store/postgres_shards.h"

namespace parley::backend {

// Forgets unconfirmed entries of a room that is being deleted: the broker has no room to put them into any
// more. For use inside the transaction of the deletion. May throw PostgresFailure.
Result<> drop_entries_of(PostgresConnection& connection, std::uint64_t room_id);

class PostgresDirectoryLog final : public DirectoryLog {
 public:
  // `shards`: null when all messages lie in the pool's own database.
  PostgresDirectoryLog(std::shared_ptr<PostgresPool> pool, std::shared_ptr<PostgresShards> shards,
                       std::uint32_t steps_kept)
      : pool_(std::move(pool)), shards_(std::move(shards)), steps_kept_(steps_kept) {}

  Result<std::string> directory_id() override;
  Result<std::uint64_t> version() override;
  Result<std::vector<DirectoryStep>> steps_after(std::uint64_t version, std::uint32_t limit) override;
  Result<std::uint64_t> snapshot(
      std::uint32_t part, const std::function<Result<>(std::vector<wire::DirectoryChange>)>& sink) override;
  Result<std::vector<DirectoryStep>> unconfirmed_entries(std::uint32_t limit) override;
  Result<> entries_confirmed(std::uint64_t version) override;
  Result<std::uint64_t> renew_epochs() override;

 private:
  std::shared_ptr<PostgresPool> pool_;
  std::shared_ptr<PostgresShards> shards_;
  std::uint32_t steps_kept_;
};

}  // namespace parley::backend
