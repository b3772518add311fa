#pragma once
#include <cstdint>
#include <memory>

#include "backend/store/postgres_pool.h"
#include "backend/store/stores.h"
#include "base/clock.h"
#include "base/result.h"

namespace parley::backend {

struct PostgresOptions {
  bool full_text = true;  // messages are put into the search index
  PostgresPoolOptions pool{};
  std::uint32_t directory_steps_kept =
      100'000;  // newest steps of the Directory log; an older plugin gets a snapshot
};

// The databases that make up one store.
struct PostgresDatabases {
  PostgresAddress main;                   // accounts, rooms, the Directory log, and rooms' messages
  std::vector<PostgresAddress> shards{};  // further ones for rooms' messages (PostgresShards)
  // Of `main`, for pages (ReplicatedMessageStore); not with shards.
  std::vector<PostgresAddress> replicas{};
};

// Connects to the databases, which must be there, and brings their schema up to date; replicas may be away.
// `clock` and `metrics` (null: counted nowhere) must outlive the stores. Blocks. Errors: unavailable,
// invalid_argument (made by a newer parleyd; PostgresShards::open), in_doubt (a migration: call again).
Result<Stores> open_postgres_stores(const PostgresDatabases& databases, const PostgresOptions& options,
                                    const Clock& clock, Metrics* metrics = nullptr);

}  // namespace parley::backend
