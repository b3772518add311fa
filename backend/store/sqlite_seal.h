#pragma once
#include <string>
#include <string_view>

#include "backend/store/sqlite_connection.h"
#include "base/clock.h"

namespace parley::backend {

// Within a transaction: from its commit on nobody can write to this database, whoever has it open, and opening it
// is refused. It says where everything was moved to. May throw SqliteFailure, as moved_to().
void seal_sqlite(SqliteConnection& connection, std::string_view target, WallTime now);

// What was given to seal_sqlite as `target`; "" when nothing was.
std::string moved_to(SqliteConnection& connection);

}  // namespace parley::backend
