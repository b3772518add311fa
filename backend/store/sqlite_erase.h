#pragma once
#include "backend/store/message_store.h"
#include "backend/store/sqlite_database.h"

// How traces of erased users are taken out of messages in SQLite.
namespace parley::backend {

// MessageStore::erase_some.
Result<EraseStep> erase_stored(SqliteDatabase& database, const ErasedUser& who, const ErasePlace& from,
                               const MessageStore::NoteRooms& note);

// Inside a transaction; may throw SqliteFailure.
void block_name(SqliteConnection& connection, const ErasedName& name);
// Brings `names` up to date.
void load_erased(SqliteConnection& connection, ErasedNames& names);

}  // namespace parley::backend
