#pragma once
#include "backend/store/sqlite_connection.h"
#include "base/result.h"

namespace parley::backend {

// Brings the schema up to the newest version, each step in a transaction of its own; forward only. The
// database's version is its `user_version`. May throw SqliteFailure. invalid_argument: it was made by a newer
// parleyd. The caller sees to it that nobody else does the same at the same time.
Result<> migrate_schema(SqliteConnection& connection);

}  // namespace parley::backend
