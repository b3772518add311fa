#pragma once
#include <span>

#include "backend/store/mark_store.h"
#include "wire/record.h"

namespace parley::backend {

// Whoever joins a room has read what lies before their joining. RoomStore sets their marks to what was stored at that
// moment; their join entry tells the rest exactly, that is, what the broker had taken by then. To be called with the
// records of a batch before they are stored: a batch that is not stored in the end comes again, and raises again.
// Errors: as MarkStore::raise.
Result<> raise_marks_of_joins(MarkStore& marks, std::span<const wire::Record> records);

}  // namespace parley::backend
