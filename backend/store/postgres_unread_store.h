#pragma once
#include <memory>

#include "backend/store/postgres_pool.h"
#include "backend/store/postgres_shards.h"
#include "backend/store/unread_store.h"

namespace parley::backend {

class PostgresUnreadStore final : public UnreadStore {
 public:
  // `shards`: null when all messages lie in the pool's own database.
  PostgresUnreadStore(std::shared_ptr<PostgresPool> pool, std::shared_ptr<PostgresShards> shards)
      : pool_(std::move(pool)), shards_(std::move(shards)) {}
  Result<std::vector<Unread>> unread(const UnreadQuery& query) override;

 private:
  std::shared_ptr<PostgresPool> pool_;
  std::shared_ptr<PostgresShards> shards_;
};

}  // namespace parley::backend
