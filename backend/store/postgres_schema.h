#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "backend/store/postgres_pool.h"
#include "base/result.h"

namespace parley::backend {

// What the database lacks of the newest schema: one line for people for each migration, in order. Changes
// nothing. invalid_argument: the database was made by a newer parleyd.
Result<std::vector<std::string>> pending_postgres_migrations(PostgresPool& pool);

// Brings the schema up to the newest version, forward only, each migration in a transaction of its own under
// an advisory lock: of several parleyd that start at once one does it, the others wait (at most 10 minutes).
// Gives what was done, as pending_postgres_migrations tells it. Errors: as the pool's (in_doubt: call again),
// invalid_argument as above, or the database is not in UTF-8.
Result<std::vector<std::string>> migrate_postgres(PostgresPool& pool);

// CRC-32C of all migrations' statements: tells tests whether a database they kept was made by the same ones.
std::uint32_t postgres_schema_checksum();

}  // namespace parley::backend
