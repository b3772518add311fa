#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>

#include "backend/store/directory_step.h"
#include "backend/store/postgres_pool.h"
#include "base/ids.h"

namespace parley::backend {

// The Directory log within one transaction that changes accounts, rooms or members. From its making on, no
// other such transaction goes on until this one has ended. May throw PostgresFailure.
class PostgresChange {
 public:
  // `mark` tells this transaction's step from any other of the same version.
  PostgresChange(PostgresConnection& connection, std::uint32_t steps_kept, std::string mark);

  // Writes the Directory's next step and gives its version; drops steps older than the newest `steps_kept`
  // now and then.
  std::uint64_t write_step(const StepDraft& draft);
  // A version without a step: whoever is behind it needs a snapshot.
  std::uint64_t skip_version();
  std::uint64_t written() const { return written_; }  // the last version written; 0: none

 private:
  void forget_steps_to(std::uint64_t floor);

  PostgresConnection& connection_;
  std::uint32_t steps_kept_;
  std::string mark_;
  std::uint64_t version_;
  std::uint64_t written_ = 0;
};

// Whether the transaction that wrote `version` with `mark` was committed. Waits for a session that is still at
// it. Tries for some seconds; in_doubt when the database does not come back by then.
Result<bool> settle_change(PostgresPool& pool, std::uint64_t version, const std::string& mark);

// Runs work(PostgresConnection&, PostgresChange&) → Result<T> as one transaction. When the connection is lost
// while it commits, finds out whether it was: the result is then what it would have been, or unavailable.
// in_doubt only when the database stays away. Work may run twice, after nothing was changed or when it wrote
// no step (setting the same again).
template <class Work>
auto commit_change(PostgresPool& pool, std::uint32_t steps_kept, Work&& work)
    -> std::invoke_result_t<Work, PostgresConnection&, PostgresChange&> {
  using Outcome = std::invoke_result_t<Work, PostgresConnection&, PostgresChange&>;
  const auto mark = random_id(16);
  std::optional<Outcome> done;
  std::uint64_t written = 0;
  auto attempt = [&] {
    return pool.write([&](PostgresConnection& connection) -> Outcome {
      PostgresChange change(connection, steps_kept, mark);
      done = work(connection, change);
      written = change.written();
      return *done;
    });
  };
  auto result = attempt();
  if (result || result.error().code != Errc::in_doubt) return result;
  if (written == 0) return attempt();
  auto committed = settle_change(pool, written, mark);
  if (!committed) return std::unexpected(committed.error());
  if (*committed) return *done;
  return fail(Errc::unavailable, "The connection to the database was lost; the change was not made.");
}

}  // namespace parley::backend
