#include "tools/parley-bench/sqlite_rows.h"

#include "tools/parley-bench/try.h"

namespace parley::bench {
namespace {

void bind_text(sqlite3_stmt* statement, int column, std::string_view text) {
  sqlite3_bind_text(statement, column, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
}

}  // namespace

Result<std::unique_ptr<SqliteRows>> SqliteRows::open(const std::filesystem::path& store,
                                                     const std::filesystem::path& bare) {
  auto rows = std::make_unique<SqliteRows>();
  PARLEY_TRY(connect(rows->store_, store));
  PARLEY_TRY(connect(rows->bare_, bare));
  return rows;
}

Result<> SqliteRows::connect(Database& database, const std::filesystem::path& path) {
  sqlite3* opened = nullptr;
  const int status = sqlite3_open(path.c_str(), &opened);
  database.reset(opened);
  if (status != SQLITE_OK) return failure(database);
  return run(database,
             "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -8192;"
             "PRAGMA wal_autocheckpoint = 4000;");
}

std::unexpected<Error> SqliteRows::failure(const Database& database) {
  return fail(Errc::unavailable, std::string("SQLite: ") + sqlite3_errmsg(database.get()));
}

Result<> SqliteRows::run(const Database& database, const char* sql) {
  if (sqlite3_exec(database.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) return failure(database);
  return {};
}

Result<> SqliteRows::prepare(const Database& database, Statement& statement, const char* sql) {
  if (statement) return {};
  sqlite3_stmt* made = nullptr;
  if (sqlite3_prepare_v2(database.get(), sql, -1, &made, nullptr) != SQLITE_OK) return failure(database);
  statement.reset(made);
  return {};
}

Result<> SqliteRows::create_table() {
  insert_.reset();
  return run(bare_,
             "DROP TABLE IF EXISTS messages;"
             "CREATE TABLE messages(room_id INTEGER NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL, at "
             "INTEGER NOT NULL,"
             " sender TEXT NOT NULL, type TEXT NOT NULL, ref TEXT NOT NULL, flags INTEGER NOT NULL, envelope "
             "TEXT NOT NULL,"
             " PRIMARY KEY (room_id, seq)) WITHOUT ROWID");
}

Result<> SqliteRows::insert(std::span<const wire::Record> records) {
  PARLEY_TRY(prepare(bare_, insert_, "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  PARLEY_TRY(run(bare_, "BEGIN IMMEDIATE"));
  auto* row = insert_.get();
  for (const auto& record : records) {
    sqlite3_bind_int64(row, 1, static_cast<sqlite3_int64>(record.room_id));
    sqlite3_bind_int64(row, 2, static_cast<sqlite3_int64>(record.seq));
    sqlite3_bind_blob(row, 3, record.id.data(), static_cast<int>(record.id.size()), SQLITE_STATIC);
    sqlite3_bind_int64(row, 4, record.at_ms);
    bind_text(row, 5, record.from);
    bind_text(row, 6, record.type);
    bind_text(row, 7, record.ref);
    sqlite3_bind_int(row, 8, record.flags);
    bind_text(row, 9, record.envelope);
    const int stepped = sqlite3_step(row);
    sqlite3_reset(row);
    if (stepped != SQLITE_DONE) return failure(bare_);
  }
  return run(bare_, "COMMIT");
}

Result<std::size_t> SqliteRows::read_page(std::uint64_t room_id, std::uint64_t before) {
  PARLEY_TRY(
      prepare(store_, page_,
              "SELECT envelope FROM messages WHERE room_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?"));
  auto* page = page_.get();
  sqlite3_bind_int64(page, 1, static_cast<sqlite3_int64>(room_id));
  sqlite3_bind_int64(page, 2, static_cast<sqlite3_int64>(before));
  sqlite3_bind_int(page, 3, kPageRows);
  std::size_t bytes = 0;
  while (sqlite3_step(page) == SQLITE_ROW) {
    bytes += std::string(reinterpret_cast<const char*>(sqlite3_column_text(page, 0)),
                         static_cast<std::size_t>(sqlite3_column_bytes(page, 0)))
                 .size();
  }
  sqlite3_reset(page);
  return bytes;
}

}  // namespace parley::bench
