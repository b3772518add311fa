#pragma once
#include <sqlite3.h>

#include <filesystem>
#include <memory>
#include <span>

#include "base/result.h"
#include "wire/record.h"

namespace parley::bench {

// SQLite by its C interface and nothing else: what the store is measured against. Not thread-safe.
class SqliteRows {
 public:
  // With the store's own journal mode, durability, cache and page settings.
  static Result<SqliteRows> open(const std::filesystem::path& path);

  // The columns and the key of the store's table of messages, and no other table.
  Result<> create_table();
  // One transaction.
  Result<> insert(std::span<const wire::Record> records);
  // The bytes of the page of `limit` envelopes before `seq`.
  Result<std::size_t> read_page(std::uint64_t room_id, std::uint64_t before, int limit);

 private:
  struct Close {
    void operator()(sqlite3* database) const { sqlite3_close(database); }
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Close>;

  explicit SqliteRows(sqlite3* database) : database_(database) {}
  Result<> run(const char* sql);
  Result<> prepare(Statement& statement, const char* sql);
  std::unexpected<Error> failure() const;

  std::unique_ptr<sqlite3, Close> database_;
  Statement insert_, page_;  // closed before the database
};

}  // namespace parley::bench
