#pragma once
#include <cstdint>
#include <memory>

#include "backend/store/postgres_pool.h"
#include "backend/store/stores.h"
#include "base/clock.h"
#include "base/result.h"

namespace parley::backend {

struct PostgresOptions {
  PostgresPoolOptions pool{};
  std::uint32_t directory_steps_kept =
      100'000;  // newest steps of the Directory log; an older plugin gets a snapshot
};

// Connects to the database, which must be there, and brings its schema up to date. `clock` and what `meters`
// came from must outlive the stores. Blocks. Errors: unavailable, invalid_argument (made by a newer parleyd),
// in_doubt (a migration: call again).
Result<Stores> open_postgres_stores(const PostgresAddress& address, const PostgresOptions& options,
                                    const Clock& clock, const PostgresMeters& meters = {});

}  // namespace parley::backend
