#pragma once
#include <memory>
#include <string_view>

#include "backend/store/message_store.h"
#include "backend/store/retention_store.h"
#include "backend/store/sqlite_database.h"

namespace parley::backend {

class SqliteRetentionStore final : public RetentionStore {
 public:
  SqliteRetentionStore(std::shared_ptr<SqliteDatabase> database, const Clock& clock)
      : database_(std::move(database)), clock_(clock) {}
  Result<std::vector<RetainedRoom>> rooms(const RetainedQuery& query) override;
  Result<Expiry> expire(const ExpiryOrder& order) override;
  Result<> hold(std::uint64_t room_id, bool held, const std::optional<Act>& act) override;
  Result<HeldPage> kept_aside(std::uint64_t room_id, std::uint64_t after, std::uint32_t limit) override;

 private:
  std::shared_ptr<SqliteDatabase> database_;
  const Clock& clock_;
};

// In the caller's transaction; in rooms that are held, else nothing. A stored message and what was said of it, before
// they lose their content.
void keep_aside(SqliteConnection& connection, Place message);
// What is stored without the content it came with.
void keep_aside(SqliteConnection& connection, Place message, std::string_view envelope);

}  // namespace parley::backend
