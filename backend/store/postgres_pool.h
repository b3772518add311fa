#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "backend/metrics/metrics.h"
#include "backend/store/postgres_address.h"
#include "backend/store/postgres_connection.h"
#include "base/circuit_breaker.h"
#include "base/clock.h"
#include "base/result.h"

namespace parley::backend {

struct PostgresPoolOptions {
  std::uint32_t connections = 8;            // at most, 1…1000; made when first needed
  std::chrono::milliseconds wait{5'000};    // for one of them to come free, then `unavailable`
  std::chrono::seconds connect_timeout{5};  // for each host, at least 2
  std::chrono::seconds check_after{15};     // a connection unused for so long is tried before it is used
  std::chrono::milliseconds tcp_user_timeout{10'000};  // bytes unacknowledged for so long: the server is gone
  PostgresSession session{};
  // A server that hangs (and does not end statements that take too long) is given up so long after
  // session.statement_timeout.
  std::chrono::milliseconds grace{5'000};
  BreakerOptions breaker{};
};

// What the pool shows on /metrics, with label database="…": which of several this is.
struct PostgresMeters {
  PostgresMeters() = default;  // counts nowhere
  PostgresMeters(Metrics& metrics, const std::string& database);
  Gauge connections, in_use, waiting;
  Counter opened, errors, in_doubt;
  Histogram wait_seconds, seconds;
};

// A bounded pool of connections to one database, which may be served by several hosts in turn: a connection
// lost is made again to whichever host takes writes now. Behind a circuit breaker: while the server is dead,
// calls answer `unavailable` at once. Thread-safe; calls block, within the options' limits.
// Here PostgresFailure and all other exceptions of the work handed in become Errors:
//   unavailable  nothing was changed: no connection, time ran out, a conflict with another transaction
//   in_doubt     the connection was lost while committing: it may or may not have been done
//   corrupt, internal
// Work may run twice (only when the first time it got no answer at all), and must not call the pool.
class PostgresPool {
 public:
  // Connects to nothing yet. `clock` must outlive the pool.
  PostgresPool(PostgresAddress address, const PostgresPoolOptions& options, const Clock& clock,
               const PostgresMeters& meters = {});
  ~PostgresPool();

  // Runs work(PostgresConnection&) → Result<T>, each statement by itself: for one statement that reads.
  template <class Work>
  auto read(Work&& work) -> std::invoke_result_t<Work, PostgresConnection&> {
    return run(nullptr, work);
  }
  // All statements see the same state of the database.
  template <class Work>
  auto read_consistent(Work&& work) -> std::invoke_result_t<Work, PostgresConnection&> {
    return run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", work);
  }
  // In a transaction (read committed); committed when work gives a value, rolled back whole when it gives an
  // error or throws.
  template <class Work>
  auto write(Work&& work) -> std::invoke_result_t<Work, PostgresConnection&> {
    return run("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", work);
  }

  const PostgresAddress& address() const { return address_; }
  BreakerReading breaker() const { return breaker_.reading(); }

 private:
  struct Idle {
    std::unique_ptr<PostgresConnection> connection;
    SteadyTime since;
  };
  // A connection while it is used, and the breaker's permit for it.
  class Lease {
   public:
    Lease(PostgresPool& pool, CircuitBreaker::Permit permit);
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    void connect();  // takes an idle one or makes one; may throw PostgresFailure
    // Gives the place up for another try, with a new connection, if nothing at all was answered on this one.
    bool may_try_again();
    std::unexpected<Error> failed(const PostgresFailure& failure);
    void roll_back() noexcept;
    void worked() { permit_.succeeded(); }
    PostgresConnection& connection() { return *connection_; }

   private:
    void adopt(std::unique_ptr<PostgresConnection> connection);
    std::unique_ptr<PostgresConnection> release();
    bool take_idle();

    PostgresPool& pool_;
    CircuitBreaker::Permit permit_;
    std::unique_ptr<PostgresConnection> connection_;  // watched while it is here
    SteadyTime begun_;
    std::uint64_t answered_before_ = 0;
    bool fresh_ = false;
    bool tried_again_ = false;
  };

  // statement_timeout would end a commit's wait for a synchronous replica with a warning and leave it done on this
  // server alone: a failover would then lose what had been acknowledged. The watchdog's end of it is `in_doubt`.
  static constexpr const char* kCommitWhatItTakes = "SET LOCAL statement_timeout = 0; COMMIT";

  template <class Work>
  auto run(const char* begin, Work& work) -> std::invoke_result_t<Work, PostgresConnection&>;
  template <class Work>
  auto attempt(Lease& lease, const char* begin, Work& work)
      -> std::invoke_result_t<Work, PostgresConnection&>;
  Result<> take_place();
  void give_back_place();
  void watch(const std::stop_token& stop);
  void give_back(std::unique_ptr<PostgresConnection> connection);
  void drop_idle();
  std::string named(const std::string& message) const;

  const PostgresAddress address_;
  const PostgresPoolOptions options_;
  const std::string conninfo_;
  const Clock& clock_;
  const PostgresMeters meters_;
  CircuitBreaker breaker_;

  std::mutex mutex_;
  std::condition_variable place_free_;
  std::vector<Idle> idle_;  // the one used last at the end
  std::vector<PostgresConnection*> watched_;
  std::uint32_t in_use_ = 0;
  std::uint32_t waiting_ = 0;
  std::condition_variable_any stopping_;
  std::jthread watchdog_;
};

template <class Work>
auto PostgresPool::run(const char* begin, Work& work) -> std::invoke_result_t<Work, PostgresConnection&> {
  auto permit = breaker_.enter();
  if (!permit) return fail(Errc::unavailable, named("it failed a moment ago and is left alone for a while."));
  if (auto place = take_place(); !place) {
    permit->failed();  // whoever has the connections does not get on
    return std::unexpected(place.error());
  }
  Lease lease(*this, std::move(*permit));
  while (true) {
    try {
      lease.connect();
      return attempt(lease, begin, work);
    } catch (const PostgresFailure& failure) {
      if (failure.broken && lease.may_try_again()) continue;
      lease.roll_back();
      return lease.failed(failure);
    } catch (const std::exception& other) {
      lease.roll_back();
      return fail(Errc::internal, other.what());
    }
  }
}

template <class Work>
auto PostgresPool::attempt(Lease& lease, const char* begin, Work& work)
    -> std::invoke_result_t<Work, PostgresConnection&> {
  auto& connection = lease.connection();
  if (begin) connection.execute(begin);
  auto result = work(connection);
  if (begin && !result) lease.roll_back();
  if (begin && result) {
    try {
      connection.execute(kCommitWhatItTakes);
    } catch (PostgresFailure& failure) {
      // The server's plain no is an answer; anything else leaves the transaction's fate unknown.
      if (failure.broken) {
        failure.code = Errc::in_doubt;
        failure.broken = false;
      }
      throw;
    }
  }
  lease.worked();
  return result;
}

}  // namespace parley::backend
