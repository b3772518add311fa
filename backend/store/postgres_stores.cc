#include "backend/store/postgres_stores.h"

#include "backend/store/postgres_directory_log.h"
#include "backend/store/postgres_message_store.h"
#include "backend/store/postgres_room_store.h"
#include "backend/store/postgres_schema.h"
#include "backend/store/postgres_user_store.h"

namespace parley::backend {

Result<Stores> open_postgres_stores(const PostgresAddress& address, const PostgresOptions& options,
                                    const Clock& clock, const PostgresMeters& meters) {
  auto pool = std::make_shared<PostgresPool>(address, options.pool, clock, meters);
  if (auto migrated = migrate_postgres(*pool); !migrated) return std::unexpected(migrated.error());
  Stores stores;
  stores.messages = std::make_unique<PostgresMessageStore>(pool);
  stores.rooms = std::make_unique<PostgresRoomStore>(pool, options.directory_steps_kept, clock);
  stores.users = std::make_unique<PostgresUserStore>(pool, options.directory_steps_kept, clock);
  stores.directory = std::make_unique<PostgresDirectoryLog>(pool, options.directory_steps_kept);
  stores.dependencies = {{"store", [pool] { return pool->breaker(); }}};
  return stores;
}

}  // namespace parley::backend
