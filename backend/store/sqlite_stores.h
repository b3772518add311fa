#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>

#include "backend/store/stores.h"
#include "base/clock.h"
#include "base/result.h"

namespace parley::backend {

struct SqliteOptions {
  std::uint32_t readers = 4;  // connections for reads, 1…64; each costs about 2 MiB when busy
  std::chrono::milliseconds busy_timeout{5000};  // waiting for another process's write before `unavailable`
  std::uint32_t directory_steps_kept =
      100'000;  // newest steps of the Directory log; an older plugin gets a snapshot
};

// Opens the database file at `path` (made with mode 0600 when missing; its folder must exist) and brings its
// schema up to date. WAL, synchronous=FULL: what was committed survives a loss of power. Several processes
// may have it open: opening waits for another's migration, and writes wait for each other. Blocks. `clock`
// must outlive the stores. Errors: unavailable (I/O, locked), invalid_argument (made by a newer parleyd),
// corrupt.
Result<Stores> open_sqlite_stores(const std::filesystem::path& path, const SqliteOptions& options,
                                  const Clock& clock);

}  // namespace parley::backend
