#pragma once
#include "backend/store/message_store.h"
#include "backend/store/postgres_pool.h"

// How traces of erased users are taken out of messages in PostgreSQL.
namespace parley::backend {

// MessageStore::erase_some, of one database.
Result<EraseStep> erase_stored(PostgresPool& pool, const ErasedUser& who, const ErasePlace& from,
                               const MessageStore::NoteRooms& note);

// Inside a transaction; may throw PostgresFailure. Waits for whoever is storing: after it nobody stores without it.
void block_name(PostgresConnection& connection, const ErasedName& name);
// All of them.
void load_erased(PostgresConnection& connection, ErasedNames& names);

}  // namespace parley::backend
