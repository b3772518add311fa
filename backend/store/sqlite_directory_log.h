#pragma once
#include <memory>
#include <string>
#include <vector>

#include "backend/store/directory_log.h"
#include "backend/store/directory_step.h"
#include "backend/store/sqlite_database.h"

namespace parley::backend {

// Writes the Directory's next step and gives its version; drops steps older than the newest `steps_kept` now
// and then. For use inside the transaction of the change itself. May throw SqliteFailure.
std::uint64_t write_step(SqliteConnection& connection, const StepDraft& draft, std::uint32_t steps_kept);

// Forgets unconfirmed entries of a room that is being deleted: the broker has no room to put them into any
// more. As write_step.
// A version without a step: whoever is behind it needs a snapshot. Of the log only unconfirmed entries stay.
std::uint64_t skip_version(SqliteConnection& connection);
Result<std::vector<DirectoryStep>> pending_steps(
    SqliteConnection& connection);  // all that have unconfirmed entries
void rewrite_step(SqliteConnection& connection, const DirectoryStep& step);  // leaves entries alone
Result<> drop_entries_of(SqliteConnection& connection, std::uint64_t room_id);

class SqliteDirectoryLog final : public DirectoryLog {
 public:
  explicit SqliteDirectoryLog(std::shared_ptr<SqliteDatabase> database) : database_(std::move(database)) {}

  Result<std::string> directory_id() override;
  Result<std::uint64_t> version() override;
  Result<std::vector<DirectoryStep>> steps_after(std::uint64_t version, std::uint32_t limit) override;
  Result<std::uint64_t> snapshot(
      std::uint32_t part, const std::function<Result<>(std::vector<wire::DirectoryChange>)>& sink) override;
  Result<std::vector<DirectoryStep>> unconfirmed_entries(std::uint32_t limit) override;
  Result<> entries_confirmed(std::uint64_t version) override;
  Result<std::uint64_t> renew_epochs() override;

 private:
  std::shared_ptr<SqliteDatabase> database_;
};

}  // namespace parley::backend
