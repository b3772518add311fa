#pragma once
#include <memory>

#include "backend/store/presence_store.h"
#include "backend/store/sqlite_database.h"

namespace parley::backend {

class SqlitePresenceStore final : public PresenceStore {
 public:
  explicit SqlitePresenceStore(std::shared_ptr<SqliteDatabase> database) : database_(std::move(database)) {}

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
  std::shared_ptr<SqliteDatabase> database_;
};

}  // namespace parley::backend
