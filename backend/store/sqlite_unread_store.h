#pragma once
#include <memory>

#include "backend/store/sqlite_database.h"
#include "backend/store/unread_store.h"

namespace parley::backend {

class SqliteUnreadStore final : public UnreadStore {
 public:
  explicit SqliteUnreadStore(std::shared_ptr<SqliteDatabase> database) : database_(std::move(database)) {}
  Result<std::vector<Unread>> unread(const UnreadQuery& query) override;

 private:
  std::shared_ptr<SqliteDatabase> database_;
};

}  // namespace parley::backend
