#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "backend/store/postgres_params.h"
#include "base/result.h"

namespace pqxx {
class result;
}

namespace parley::backend {

// Thrown inside the PostgreSQL adapter only; PostgresPool turns it into an Error.
struct PostgresFailure {
  Errc code;
  std::string message;
  std::string sqlstate;  // "" when the server said nothing
  bool broken = false;   // the connection is of no more use
};
inline constexpr std::string_view kUniqueViolation = "23505";

// Rows of a statement. Copied cheaply; views into them live as long as any copy, or any row of them.
class PostgresRows {
 public:
  class Row {
   public:
    // Columns from 0.
    std::int64_t integer(int column) const;
    std::uint64_t number(int column) const { return static_cast<std::uint64_t>(integer(column)); }
    bool flag(int column) const { return text(column) == "t"; }
    bool is_null(int column) const;
    std::string_view text(int column) const;
    std::string string(int column) const { return std::string(text(column)); }
    std::string bytes(int column) const;  // of bytea and uuid: the raw bytes

   private:
    friend class PostgresRows;
    Row(std::shared_ptr<const pqxx::result> result, int index) : result_(std::move(result)), index_(index) {}
    std::shared_ptr<const pqxx::result> result_;
    int index_;
  };
  class Iterator {
   public:
    Row operator*() const { return {rows_[index_]}; }
    Iterator& operator++() { return ++index_, *this; }
    bool operator==(const Iterator& other) const { return index_ == other.index_; }

   private:
    friend class PostgresRows;
    Iterator(const PostgresRows& rows, int index) : rows_(rows), index_(index) {}
    const PostgresRows& rows_;
    int index_;
  };

  explicit PostgresRows(const pqxx::result& result);
  int size() const;
  bool empty() const { return size() == 0; }
  Row operator[](int index) const { return {result_, index}; }
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, size()}; }
  std::int64_t affected() const;  // rows an insert, update or delete changed

 private:
  std::shared_ptr<const pqxx::result> result_;
};

// What holds for every session.
struct PostgresSession {
  std::chrono::milliseconds statement_timeout{30'000};    // the server ends a statement that takes longer
  std::chrono::milliseconds lock_timeout{10'000};         // or that waits longer for another transaction
  std::chrono::milliseconds idle_in_transaction{30'000};  // the server ends a session that stops half-way
};

// One connection with its prepared statements. For one thread at a time; blocks, at most for the session's
// time limits and what TCP keepalive takes to find a dead server out. Every method may throw PostgresFailure,
// whose message holds no value and no password. Transactions are the caller's: BEGIN and COMMIT are
// statements like others, so that it is known which of them failed.
class PostgresConnection {
 public:
  // `conninfo`: keywords and values of libpq. Waits for its connect_timeout, for each host.
  explicit PostgresConnection(const std::string& conninfo);
  ~PostgresConnection();
  PostgresConnection(const PostgresConnection&) = delete;
  PostgresConnection& operator=(const PostgresConnection&) = delete;

  // Once, before anything else.
  void start(const PostgresSession& session);

  // `sql` is one statement, prepared once, then reused; it must be one of a fixed set.
  template <class... Args>
  PostgresRows query(std::string_view sql, const Args&... args) {
    return run_prepared(sql, {postgres_param(args)...});
  }
  // Any number of statements without parameters, not prepared.
  PostgresRows execute(const std::string& sql);

  // False once a statement failed because the connection did.
  bool usable() const { return usable_; }
  // Statements that were answered.
  std::uint64_t answered() const { return answered_; }

  // For a watchdog, from another thread while this one lives: how long the statement under way has been
  // waited for (0: there is none), and to make it fail as if the server were gone.
  std::chrono::milliseconds waiting() const;
  void abandon();
  // Statements may take as long as they like, or no more.
  void be_patient(bool on) { patient_ = on; }
  bool patient() const { return patient_; }

 private:
  struct Impl;
  struct SqlHash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  template <class Statement>
  PostgresRows ask(Statement statement);
  PostgresRows run_prepared(std::string_view sql, const std::vector<std::string>& params);
  const std::string& prepare(std::string_view sql);
  [[noreturn]] void rethrow();

  std::unique_ptr<Impl> impl_;
  std::unordered_map<std::string, std::string, SqlHash, std::equal_to<>> statements_;  // sql → name
  bool usable_ = true;
  std::uint64_t answered_ = 0;
  std::atomic<std::int64_t> asked_at_ms_ = 0;  // of the statement under way, by the steady clock
  std::atomic<bool> patient_ = false;
};

}  // namespace parley::backend
