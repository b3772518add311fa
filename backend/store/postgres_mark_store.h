#pragma once
#include <memory>

#include "backend/store/mark_store.h"
#include "backend/store/postgres_pool.h"
#include "backend/store/postgres_shards.h"

namespace parley::backend {

// The marks lie in `members`, on the main database. What raises nothing (a client that repeats its receipts) locks
// nothing. Two statements to read, one to write, whatever the number.
class PostgresMarkStore final : public MarkStore {
 public:
  // `shards`: null when all messages lie in the pool's own database.
  PostgresMarkStore(std::shared_ptr<PostgresPool> pool, std::shared_ptr<PostgresShards> shards)
      : pool_(std::move(pool)), shards_(std::move(shards)) {}

  Result<std::vector<MarkOutcome>> raise(std::span<const MarkRaise> raises) override;
  Result<std::vector<std::string>> mentioned(std::uint64_t room_id, const std::vector<std::string>& keys,
                                             std::uint32_t everyone_max) override;

 private:
  std::shared_ptr<PostgresPool> pool_;
  std::shared_ptr<PostgresShards> shards_;
};

}  // namespace parley::backend
