#pragma once
#include <memory>

#include "backend/store/postgres_pool.h"
#include "backend/store/presence_store.h"

namespace parley::backend {

// On the database of accounts and rooms.
class PostgresPresenceStore final : public PresenceStore {
 public:
  explicit PostgresPresenceStore(std::shared_ptr<PostgresPool> pool) : pool_(std::move(pool)) {}

  Result<> put(std::span<const PresenceRow> rows) override;
  Result<> set_invisible(const std::string& user, bool invisible) override;
  Result<> remove(const std::string& user) override;
  Result<std::vector<PresenceRow>> get(std::span<const std::string> users) override;
  Result<std::vector<PresenceRow>> watched(const std::string& after, std::uint32_t limit) override;
  Result<std::vector<PresenceRow>> of_room(std::uint64_t room_id, const std::string& after,
                                           std::uint32_t limit) override;
  Result<PresenceCounts> counts(std::uint64_t room_id) override;
  Result<bool> share_a_room(const std::string& one, const std::string& other) override;
  Result<WallTime> watched_at() override;
  Result<> set_watched_at(WallTime at) override;

 private:
  std::shared_ptr<PostgresPool> pool_;
};

}  // namespace parley::backend
