#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>

#include "backend/store/postgres_address.h"
#include "base/clock.h"
#include "base/result.h"

namespace parley::backend {

struct MoveProgress {
  const char* what;  // "copying", "checking", "finishing"
  std::uint64_t done = 0;
  std::uint64_t total = 0;  // messages, as many as there were at the beginning
};
// What the new database has. All of it was compared with the old one.
struct Moved {
  std::uint64_t users = 0;
  std::uint64_t rooms = 0;  // living ones, and orphans
  std::uint64_t messages = 0;
  std::uint64_t copied = 0;  // of the messages, by this call: the others were there from one that was stopped
};

// Moves everything from the SQLite database `from` into the PostgreSQL database `to`, which must be empty or hold
// what an earlier call that was stopped left. parleyd may run on the old one meanwhile: messages are copied room by
// room beside it and compared (count and CRC-32C of all columns). At the end writers are locked out for as long as
// the last messages and all accounts, rooms and memberships take; then the old database is sealed: it can be read,
// but nothing can be written, and no parleyd opens it again. What the broker journals in between is stored by the
// parleyd that is started on the new database.
// After an error the old database is as it was, and a new call goes on where this one stopped. `tell` is called now
// and then; when it gives false, the move stops with `unavailable`. Blocks, for hours when there is much. Errors:
// invalid_argument (nothing to move, or the target is in use), corrupt (the copy differs), unavailable, in_doubt.
Result<Moved> move_store(const std::filesystem::path& from, const PostgresAddress& to, const Clock& clock,
                         const std::function<bool(const MoveProgress&)>& tell);

}  // namespace parley::backend
