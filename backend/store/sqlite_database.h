#pragma once
#include <condition_variable>
#include <exception>
#include <filesystem>
#include <memory>
#include <mutex>
#include <type_traits>
#include <vector>

#include "backend/store/fair_mutex.h"
#include "backend/store/sqlite_connection.h"
#include "backend/store/sqlite_stores.h"
#include "base/circuit_breaker.h"
#include "base/clock.h"
#include "base/result.h"

namespace parley::backend {

// The connections to one database file: one that writes, a few that read. Thread-safe; blocks.
// Here SqliteFailure and all other exceptions of the work handed in become Errors.
class SqliteDatabase {
 public:
  static Result<std::shared_ptr<SqliteDatabase>> open(const std::filesystem::path& path,
                                                      const SqliteOptions& options, const Clock& clock);

  // Runs work(SqliteConnection&) → Result<T> in a transaction of its own, alone among writers; committed
  // when it returns a value, rolled back whole when it returns an error or throws. Not to be called from
  // inside read() or write(). While the breaker is open (another process holds the file's write lock, the
  // disk is full) it is unavailable at once. Reads wait for nobody in WAL mode, so they have no breaker.
  template <class Work>
  auto write(Work&& work) -> std::invoke_result_t<Work, SqliteConnection&> {
    return breaker_.call([&] {
      std::lock_guard alone(writing_);
      return in_transaction(*writer_, "BEGIN IMMEDIATE", work);
    });
  }
  BreakerReading breaker() const { return breaker_.reading(); }

  // Runs work(SqliteConnection&) → Result<T> on one consistent state of the database.
  template <class Work>
  auto read(Work&& work) -> std::invoke_result_t<Work, SqliteConnection&> {
    Lease lease(*this);
    return in_transaction(*lease.connection, "BEGIN", work);
  }

 private:
  struct Lease {
    explicit Lease(SqliteDatabase& database) : database(database), connection(database.take_reader()) {}
    ~Lease() { database.give_back(std::move(connection)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    SqliteDatabase& database;
    std::unique_ptr<SqliteConnection> connection;
  };

  explicit SqliteDatabase(const Clock& clock);
  std::unique_ptr<SqliteConnection> take_reader();
  void give_back(std::unique_ptr<SqliteConnection> connection);

  template <class Work>
  static auto in_transaction(SqliteConnection& connection, std::string_view begin, Work& work)
      -> std::invoke_result_t<Work, SqliteConnection&>;
  static void roll_back(SqliteConnection& connection) noexcept;

  CircuitBreaker breaker_;
  FairMutex writing_;
  std::unique_ptr<SqliteConnection> writer_;
  std::mutex mutex_;
  std::condition_variable reader_free_;
  std::vector<std::unique_ptr<SqliteConnection>> readers_;  // the free ones
};

template <class Work>
auto SqliteDatabase::in_transaction(SqliteConnection& connection, std::string_view begin, Work& work)
    -> std::invoke_result_t<Work, SqliteConnection&> {
  try {
    connection.run(begin);
    auto result = work(connection);
    if (result) {
      connection.run("COMMIT");
    } else {
      roll_back(connection);
    }
    return result;
  } catch (const SqliteFailure& failure) {
    roll_back(connection);
    return fail(failure.code, failure.message);
  } catch (const std::exception& other) {
    roll_back(connection);
    return fail(Errc::internal, other.what());
  }
}

}  // namespace parley::backend
