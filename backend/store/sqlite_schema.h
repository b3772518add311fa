#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "backend/store/sqlite_connection.h"
#include "base/result.h"

namespace parley::backend {

// Brings the schema up to the newest version, each step in a transaction of its own; forward only. The
// database's version is its `user_version`. May throw SqliteFailure. invalid_argument: it was made by a newer
// parleyd. The caller sees to it that nobody else does the same at the same time.
Result<> migrate_schema(SqliteConnection& connection);

// What the database at `path` lacks of the newest schema: one line for people for each step, in order. Changes
// nothing; a missing file lacks all. Errors: unavailable, corrupt, invalid_argument as above.
Result<std::vector<std::string>> pending_sqlite_migrations(const std::filesystem::path& path);

}  // namespace parley::backend
