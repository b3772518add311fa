#pragma once
#include <map>
#include <span>

#include "backend/store/batch_links.h"
#include "backend/store/postgres_connection.h"

// How what messages say of each other lies in PostgreSQL. Inside the caller's transaction; each a handful of
// statements, none for a batch that says nothing. May throw PostgresFailure.
namespace parley::backend {

// Those of the entries named that are stored.
std::map<BatchLinks::Place, wire::Target> load_targets(PostgresConnection& connection,
                                                       const PostgresArray& rooms, const PostgresArray& seqs);
std::map<Place, wire::Notes> read_notes(PostgresConnection& connection, std::span<const Place> messages);
void write_effects(PostgresConnection& connection, const BatchLinks::Effects& effects);
// All of a room, when its messages are gone.
void purge_links(PostgresConnection& connection, std::uint64_t room_id);

}  // namespace parley::backend
