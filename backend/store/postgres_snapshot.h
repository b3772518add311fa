#pragma once
#include <functional>
#include <vector>

#include "backend/store/postgres_connection.h"
#include "backend/store/postgres_shards.h"
#include "wire/directory_change.h"

namespace parley::backend {

// Hands the whole Directory to `sink` as changes onto nothing: users, tokens, rooms, members and bans, at
// most `part` (≥ 1) a call, read little by little. For use in a transaction that sees one state. Stops with
// sink's error, or when a shard does not tell the last numbers of its rooms (`shards` is null when there is but
// this database). May throw PostgresFailure.
Result<> stream_directory(PostgresConnection& connection, PostgresShards* shards, std::uint32_t part,
                          const std::function<Result<>(std::vector<wire::DirectoryChange>)>& sink);

}  // namespace parley::backend
