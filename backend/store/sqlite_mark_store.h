#pragma once
#include <memory>

#include "backend/store/mark_store.h"
#include "backend/store/sqlite_database.h"

namespace parley::backend {

// The marks lie in `members`. What raises nothing (a client that repeats its receipts) takes no write lock.
class SqliteMarkStore final : public MarkStore {
 public:
  explicit SqliteMarkStore(std::shared_ptr<SqliteDatabase> database) : database_(std::move(database)) {}

  Result<std::vector<MarkOutcome>> raise(std::span<const MarkRaise> raises) override;
  Result<std::vector<std::string>> mentioned(std::uint64_t room_id, const std::vector<std::string>& keys,
                                             std::uint32_t everyone_max) override;

 private:
  std::shared_ptr<SqliteDatabase> database_;
};

}  // namespace parley::backend
