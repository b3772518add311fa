#include "backend/store/postgres_change.h"

#include <algorithm>
#include <thread>

#include "backend/store/directory_step_json.h"
#include "base/backoff.h"

namespace parley::backend {
namespace {

constexpr int kSettleAttempts = 12;  // with the pauses below about 10 s, or one lock_timeout more
constexpr BackoffOptions kSettlePause{.least = std::chrono::milliseconds(50),
                                      .first = std::chrono::milliseconds(100),
                                      .max = std::chrono::milliseconds(2'000)};

std::uint64_t locked_version(PostgresConnection& connection) {
  return connection.query("SELECT version FROM directory FOR UPDATE")[0].number(0);
}

}  // namespace

PostgresChange::PostgresChange(PostgresConnection& connection, std::uint32_t steps_kept, std::string mark)
    : connection_(connection),
      steps_kept_(steps_kept),
      mark_(std::move(mark)),
      version_(locked_version(connection)) {}

std::uint64_t PostgresChange::write_step(const StepDraft& draft) {
  written_ = ++version_;
  auto entries = number_entries(draft, version_);
  connection_.query(
      "INSERT INTO directory_log(version, mark, changes, entries, entries_pending)"
      " VALUES ($1, $2, $3, $4, $5)",
      version_, mark_, changes_to_text(draft.changes), entries_to_text(entries), !entries.empty());
  connection_.query("UPDATE directory SET version = $1", version_);
  auto seldom = std::max<std::uint64_t>(steps_kept_ / 100, 1);
  if (version_ > steps_kept_ && version_ % seldom == 0) forget_steps_to(version_ - steps_kept_);
  return version_;
}

std::uint64_t PostgresChange::skip_version() {
  connection_.query("UPDATE directory SET version = $1", ++version_);
  forget_steps_to(version_);
  return version_;
}

// Steps with unconfirmed entries stay, but the log no longer reaches back over them: the floor says to where
// it does.
void PostgresChange::forget_steps_to(std::uint64_t floor) {
  connection_.query("DELETE FROM directory_log WHERE version <= $1 AND NOT entries_pending", floor);
  connection_.query("UPDATE directory SET log_floor = greatest(log_floor, $1)", floor);
}

Result<bool> settle_change(PostgresPool& pool, std::uint64_t version, const std::string& mark) {
  Backoff pause(kSettlePause);
  for (int attempt = 0; attempt < kSettleAttempts; ++attempt) {
    auto found = pool.write([&](PostgresConnection& connection) -> Result<bool> {
      locked_version(connection);
      return !connection.query("SELECT 1 FROM directory_log WHERE version = $1 AND mark = $2", version, mark)
                  .empty();
    });
    if (found) return found;
    if (found.error().code != Errc::unavailable && found.error().code != Errc::in_doubt) break;
    std::this_thread::sleep_for(pause.next());
  }
  return fail(
      Errc::in_doubt,
      "The connection to the database was lost while the change was committed: it may have been made.");
}

}  // namespace parley::backend
