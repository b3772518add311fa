#include "backend/store/sqlite_connection.h"

#include <sqlite3.h>

namespace parley::backend {
namespace {

Errc code_of_sqlite(int result) {
  switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_NOMEM:
    case SQLITE_PROTOCOL:
    case SQLITE_PERM:
      return Errc::unavailable;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Errc::corrupt;
    default:
      return Errc::internal;
  }
}

[[noreturn]] void raise(sqlite3* db, int result, std::string_view what) {
  std::string message = "SQLite: ";
  message += what;
  message += ": ";
  message += db ? sqlite3_errmsg(db) : sqlite3_errstr(result);
  throw SqliteFailure{code_of_sqlite(result), std::move(message)};
}

void check_bind(sqlite3_stmt* statement, int result) {
  if (result != SQLITE_OK) raise(sqlite3_db_handle(statement), result, sqlite3_sql(statement));
}

}  // namespace

Query::~Query() {
  sqlite3_reset(statement_);
}

void Query::reset() {
  sqlite3_reset(statement_);
}

bool Query::step() {
  int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  raise(sqlite3_db_handle(statement_), result, sqlite3_sql(statement_));
}

void Query::run() {
  while (step()) {
  }
}

std::int64_t Query::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

bool Query::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::string_view Query::text(int column) const {
  auto data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  if (!data) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

void Query::bind_integer(int index, std::int64_t value) {
  check_bind(statement_, sqlite3_bind_int64(statement_, index, value));
}

// An empty view may have no data pointer, which SQLite would take for NULL.
void Query::bind_one(int index, std::string_view value) {
  const char* data = value.data() ? value.data() : "";
  check_bind(statement_,
             sqlite3_bind_text64(statement_, index, data, value.size(), SQLITE_STATIC, SQLITE_UTF8));
}

void Query::bind_one(int index, Blob value) {
  const char* data = value.bytes.data() ? value.bytes.data() : "";
  check_bind(statement_, sqlite3_bind_blob64(statement_, index, data, value.bytes.size(), SQLITE_STATIC));
}

void Query::bind_one(int index, std::nullptr_t) {
  check_bind(statement_, sqlite3_bind_null(statement_, index));
}

SqliteConnection::SqliteConnection(const std::filesystem::path& path, int busy_timeout_ms) {
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  int result = sqlite3_open_v2(path.c_str(), &db_, flags, nullptr);
  if (result != SQLITE_OK) {
    sqlite3_close_v2(db_);
    raise(nullptr, result, path.string());
  }
  sqlite3_extended_result_codes(db_, 1);
  sqlite3_busy_timeout(db_, busy_timeout_ms);
}

SqliteConnection::~SqliteConnection() {
  for (auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close_v2(db_);
}

void SqliteConnection::execute(const char* sql) {
  int result = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) raise(db_, result, sql);
}

std::int64_t SqliteConnection::changed() const {
  return sqlite3_changes64(db_);
}

std::int64_t SqliteConnection::total_changed() const {
  return sqlite3_total_changes64(db_);
}

sqlite3_stmt* SqliteConnection::prepare(std::string_view sql) {
  if (auto known = statements_.find(sql); known != statements_.end()) return known->second;
  sqlite3_stmt* statement = nullptr;
  int result = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                  &statement, nullptr);
  if (result != SQLITE_OK) raise(db_, result, sql);
  statements_.emplace(sql, statement);
  return statement;
}

}  // namespace parley::backend
