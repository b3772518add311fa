#pragma once
#include "backend/store/postgres_pool.h"

namespace parley::backend {

// Removes some messages of one deleted room, in a transaction of its own; false: nothing is left to be done.
Result<bool> purge_deleted_room(PostgresPool& pool);

}  // namespace parley::backend
