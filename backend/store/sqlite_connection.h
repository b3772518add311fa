#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace parley::backend {

// Thrown inside the SQLite adapter only; SqliteDatabase turns it into an Error.
struct SqliteFailure {
  Errc code;
  std::string message;
};

// Raw bytes, as opposed to text.
struct Blob {
  std::string_view bytes;
};

struct SqlHash : std::hash<std::string_view> {
  using is_transparent = void;
};

// A prepared statement while it is being run: bound, stepped, read. Given back to its connection when it
// goes, so at most one for each SQL text lives at a time. Text and blobs are not copied: what is bound must
// live until the last step. Every method may throw SqliteFailure.
class Query {
 public:
  template <class... Args>
  explicit Query(sqlite3_stmt* statement, const Args&... args) : statement_(statement) {
    bind(args...);
  }
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  ~Query();

  // Binds parameters 1, 2, … and begins anew.
  template <class... Args>
  Query& bind(const Args&... args) {
    reset();
    [[maybe_unused]] int index = 0;
    (bind_one(++index, args), ...);
    return *this;
  }
  // To the next row; false: there is none.
  bool step();
  // Steps to the end.
  void run();

  // Columns of the row stepped to, from 0. Views hold until the next step.
  std::int64_t integer(int column) const;
  std::uint64_t number(int column) const { return static_cast<std::uint64_t>(integer(column)); }
  bool is_null(int column) const;
  std::string_view text(int column) const;  // of text and blobs
  std::string string(int column) const { return std::string(text(column)); }

 private:
  void reset();
  template <std::integral Integer>
  void bind_one(int index, Integer value) {
    bind_integer(index, static_cast<std::int64_t>(value));
  }
  void bind_one(int index, std::string_view value);
  void bind_one(int index, Blob value);
  void bind_one(int index, std::nullptr_t);
  void bind_integer(int index, std::int64_t value);

  sqlite3_stmt* statement_;
};

// One connection with its cache of prepared statements. For one thread at a time. Every method may throw
// SqliteFailure.
class SqliteConnection {
 public:
  SqliteConnection(const std::filesystem::path& path, int busy_timeout_ms);
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;
  ~SqliteConnection();

  // `sql` is one statement; prepared once, then reused.
  template <class... Args>
  Query query(std::string_view sql, const Args&... args) {
    return Query(prepare(sql), args...);
  }
  // One statement without results; gives the number of rows it changed.
  template <class... Args>
  std::int64_t run(std::string_view sql, const Args&... args) {
    query(sql, args...).run();
    return changed();
  }
  // Any number of statements, not cached.
  void execute(const char* sql);
  // Rows the last insert, update or delete changed.
  std::int64_t changed() const;
  // Rows changed since the connection was opened.
  std::int64_t total_changed() const;

 private:
  sqlite3_stmt* prepare(std::string_view sql);

  sqlite3* db_ = nullptr;
  std::unordered_map<std::string, sqlite3_stmt*, SqlHash, std::equal_to<>> statements_;
};

}  // namespace parley::backend
