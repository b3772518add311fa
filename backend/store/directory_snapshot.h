#pragma once
#include <functional>
#include <vector>

#include "backend/store/sqlite_connection.h"
#include "wire/directory_change.h"

namespace parley::backend {

using ChangeSink = std::function<Result<>(std::vector<wire::DirectoryChange>)>;

// Hands the whole Directory to `sink` as changes onto nothing: users, tokens, rooms, members and bans, at
// most `part` (≥ 1) a call. Reads what `connection`'s transaction sees. Stops with sink's error. May throw
// SqliteFailure.
Result<> stream_directory(SqliteConnection& connection, std::uint32_t part, const ChangeSink& sink);

}  // namespace parley::backend
