#pragma once
#include <memory>

#include "backend/store/postgres_pool.h"
#include "backend/store/postgres_shards.h"
#include "backend/store/retention_store.h"

namespace parley::backend {

// What expires lies in the database where the room's messages do, and what tells it, too: room_progress.
// A hold is there and with the room (rooms.held). Where these are two databases, a hold that fails half-way leaves the
// messages held; it is there for good when it is answered.
class PostgresRetentionStore final : public RetentionStore {
 public:
  // `shards`: null when all messages lie in the pool's own database.
  PostgresRetentionStore(std::shared_ptr<PostgresPool> pool, std::shared_ptr<PostgresShards> shards,
                         const Clock& clock)
      : pool_(std::move(pool)), shards_(std::move(shards)), clock_(clock) {}
  Result<std::vector<RetainedRoom>> rooms(const RetainedQuery& query) override;
  Result<Expiry> expire(const ExpiryOrder& order) override;
  Result<> hold(std::uint64_t room_id, bool held, const std::optional<Act>& act) override;
  Result<HeldPage> kept_aside(std::uint64_t room_id, std::uint64_t after, std::uint32_t limit) override;

 private:
  Result<PostgresPool*> pool_of(std::uint64_t room_id);

  std::shared_ptr<PostgresPool> pool_;
  std::shared_ptr<PostgresShards> shards_;
  const Clock& clock_;
};

// In the caller's transaction; in rooms that are held, else nothing. Stored messages and what was said of them, before
// they lose their content.
void keep_aside(PostgresConnection& connection, const PostgresArray& rooms, const PostgresArray& seqs);
// What is stored without the content it came with.
void keep_aside(PostgresConnection& connection, const PostgresArray& rooms, const PostgresArray& seqs,
                const PostgresArray& envelopes);
// Whoever indexes or expires messages of the room waits for others who do, until its transaction ends.
void lock_index(PostgresConnection& connection, std::uint64_t room_id);

}  // namespace parley::backend
