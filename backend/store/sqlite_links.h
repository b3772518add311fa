#pragma once
#include <map>
#include <optional>
#include <span>

#include "backend/store/batch_links.h"
#include "backend/store/sqlite_connection.h"

// How what messages say of each other lies in SQLite. Inside the caller's transaction; may throw SqliteFailure.
namespace parley::backend {

std::optional<wire::Target> load_target(SqliteConnection& connection, BatchLinks::Place place);
std::map<Place, wire::Notes> read_notes(SqliteConnection& connection, std::span<const Place> messages);
void write_effects(SqliteConnection& connection, const BatchLinks::Effects& effects);
// All of a room, when its messages are gone.
void purge_links(SqliteConnection& connection, std::uint64_t room_id);

}  // namespace parley::backend
