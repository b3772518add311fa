#pragma once
#include <sqlite3.h>

#include <filesystem>
#include <memory>

#include "tools/parley-bench/bare_rows.h"

namespace parley::bench {

// SQLite, with the store's own journal mode, durability, cache and page settings.
class SqliteRows final : public BareRows {
 public:
  // `store` is the store's file; the new table goes to a file of its own, `bare`, as either is one writer's.
  static Result<std::unique_ptr<SqliteRows>> open(const std::filesystem::path& store,
                                                  const std::filesystem::path& bare);

  Result<> create_table() override;
  Result<> insert(std::span<const wire::Record> records) override;
  Result<std::size_t> read_page(std::uint64_t room_id, std::uint64_t before) override;

 private:
  struct Close {
    void operator()(sqlite3* database) const { sqlite3_close(database); }
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  using Database = std::unique_ptr<sqlite3, Close>;
  using Statement = std::unique_ptr<sqlite3_stmt, Close>;

  static Result<> connect(Database& database, const std::filesystem::path& path);
  static Result<> run(const Database& database, const char* sql);
  static Result<> prepare(const Database& database, Statement& statement, const char* sql);
  static std::unexpected<Error> failure(const Database& database);

  Database store_, bare_;
  Statement insert_, page_;  // closed before the databases
};

}  // namespace parley::bench
