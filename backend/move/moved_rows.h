#pragma once
#include <span>
#include <vector>

#include "backend/store/postgres_connection.h"
#include "backend/store/sqlite_connection.h"

namespace parley::backend {

// A table of the SQLite store on its way to PostgreSQL. `columns`, one letter each: i whole number, t text, x bytes
// (written as hexadecimal digits), u uuid.
struct MovedTable {
  const char* name;
  const char* columns;
  const char* read;   // from SQLite
  const char* write;  // to PostgreSQL, each column an array
};
// Those that go over whole, in the order in which they can be written.
std::span<const MovedTable> moved_tables();
// Of one room above a number; at most so many.
extern const MovedTable kMovedMessages;
// Of one room: those that are deleted, which the copy may still have whole.
extern const MovedTable kMovedDeletions;

// Rows read and not written yet. May throw PostgresFailure.
class MovedRows {
 public:
  explicit MovedRows(const MovedTable& table) : table_(table) { clear(); }

  void add(const Query& row);
  int count() const { return count_; }
  void write(PostgresConnection& to);

 private:
  void clear();

  const MovedTable& table_;
  std::vector<PostgresArray> arrays_;
  int count_ = 0;
};

}  // namespace parley::backend
