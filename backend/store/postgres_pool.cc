#include "backend/store/postgres_pool.h"

#include <algorithm>

namespace parley::backend {
namespace {

constexpr std::size_t kErrorMax = 400;  // bytes of a message passed on

// The address's own options come last and win.
std::string conninfo_of(const PostgresAddress& address, const PostgresPoolOptions& options) {
  auto seconds = std::max<std::int64_t>(options.connect_timeout.count(), 2);
  return "application_name=parleyd keepalives=1 keepalives_idle=10 keepalives_interval=5 keepalives_count=3"
         " connect_timeout=" +
         std::to_string(seconds) + " tcp_user_timeout=" + std::to_string(options.tcp_user_timeout.count()) +
         " " + address.conninfo();
}

double seconds_between(SteadyTime from, SteadyTime to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

PostgresMeters::PostgresMeters(Metrics& m, const std::string& database)
    : connections(m.gauge("parley_postgres_connections", "Connections made, idle or in use.",
                          {{"database", database}})),
      in_use(m.gauge("parley_postgres_in_use", "Connections in use.", {{"database", database}})),
      waiting(m.gauge("parley_postgres_waiting", "Calls waiting for a connection to come free.",
                      {{"database", database}})),
      opened(m.counter("parley_postgres_connects_total", "Connections made since the start.",
                       {{"database", database}})),
      errors(m.counter("parley_postgres_errors_total", "Calls that failed for the database's sake.",
                       {{"database", database}})),
      in_doubt(m.counter("parley_postgres_in_doubt_total",
                         "Commits whose answer was lost with the connection.", {{"database", database}})),
      wait_seconds(m.histogram("parley_postgres_wait_seconds", "Waiting for a connection to come free.",
                               {{"database", database}})),
      seconds(m.histogram("parley_postgres_seconds",
                          "One call: all its statements, and connecting if needed.",
                          {{"database", database}})) {}

PostgresPool::PostgresPool(PostgresAddress address, const PostgresPoolOptions& options, const Clock& clock,
                           const PostgresMeters& meters)
    : address_(std::move(address)),
      options_(options),
      conninfo_(conninfo_of(address_, options)),
      clock_(clock),
      meters_(meters),
      breaker_(options.breaker, clock),
      watchdog_([this](const std::stop_token& stop) { watch(stop); }) {}

PostgresPool::~PostgresPool() = default;

std::string PostgresPool::named(const std::string& message) const {
  return "The database " + address_.shown() + ": " + message.substr(0, kErrorMax);
}

// One of `connections` places, in which a connection may be used.
Result<> PostgresPool::take_place() {
  std::unique_lock lock(mutex_);
  const auto begun = clock_.steady();
  meters_.waiting.set(++waiting_);
  const bool got = place_free_.wait_for(lock, options_.wait, [&] { return in_use_ < options_.connections; });
  meters_.waiting.set(--waiting_);
  meters_.wait_seconds.observe(seconds_between(begun, clock_.steady()));
  if (!got) return fail(Errc::unavailable, named("all connections are busy."));
  meters_.in_use.set(++in_use_);
  return {};
}

void PostgresPool::give_back_place() {
  {
    std::lock_guard lock(mutex_);
    meters_.in_use.set(--in_use_);
    meters_.connections.set(static_cast<double>(in_use_ + idle_.size()));
  }
  place_free_.notify_one();
}

// A server that hangs keeps TCP content and ends no statement by itself.
void PostgresPool::watch(const std::stop_token& stop) {
  const auto limit = options_.session.statement_timeout + options_.grace;
  const auto period =
      std::clamp(options_.grace / 4, std::chrono::milliseconds(10), std::chrono::milliseconds(1'000));
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    stopping_.wait_for(lock, stop, period, [] { return false; });
    for (auto* connection : watched_)
      if (connection->waiting() > limit && !connection->patient()) connection->abandon();
  }
}

void PostgresPool::give_back(std::unique_ptr<PostgresConnection> connection) {
  std::lock_guard lock(mutex_);
  idle_.push_back({std::move(connection), clock_.steady()});
}

void PostgresPool::drop_idle() {
  std::vector<Idle> dropped;
  std::lock_guard lock(mutex_);
  dropped.swap(idle_);
}

PostgresPool::Lease::Lease(PostgresPool& pool, CircuitBreaker::Permit permit)
    : pool_(pool), permit_(std::move(permit)), begun_(pool.clock_.steady()) {}

PostgresPool::Lease::~Lease() {
  if (connection_ && connection_->usable())
    pool_.give_back(release());
  else
    release();
  pool_.meters_.seconds.observe(seconds_between(begun_, pool_.clock_.steady()));
  pool_.give_back_place();
}

void PostgresPool::Lease::adopt(std::unique_ptr<PostgresConnection> connection) {
  std::lock_guard lock(pool_.mutex_);
  connection_ = std::move(connection);
  pool_.watched_.push_back(connection_.get());
}

std::unique_ptr<PostgresConnection> PostgresPool::Lease::release() {
  std::lock_guard lock(pool_.mutex_);
  std::erase(pool_.watched_, connection_.get());
  return std::move(connection_);
}

void PostgresPool::Lease::connect() {
  fresh_ = tried_again_ || !take_idle();
  if (fresh_) {
    adopt(std::make_unique<PostgresConnection>(pool_.conninfo_));
    connection_->start(pool_.options_.session);
    pool_.meters_.opened.add();
  }
  answered_before_ = connection_->answered();
}

// False when there is none that works. What was left alone for a while may have been closed by the server or
// something between.
bool PostgresPool::Lease::take_idle() {
  while (true) {
    Idle idle;
    {
      std::lock_guard lock(pool_.mutex_);
      if (pool_.idle_.empty()) return false;
      idle = std::move(pool_.idle_.back());
      pool_.idle_.pop_back();
    }
    adopt(std::move(idle.connection));
    if (pool_.clock_.steady() - idle.since < pool_.options_.check_after) return true;
    try {
      connection_->execute("SELECT 1");
      return true;
    } catch (const PostgresFailure&) {
      release();
    }
  }
}

// A server that was restarted has closed all connections: the first use of each fails, and says nothing about
// the server as it is now.
bool PostgresPool::Lease::may_try_again() {
  if (tried_again_ || fresh_ || !connection_ || connection_->answered() != answered_before_) return false;
  tried_again_ = true;
  release();
  pool_.drop_idle();
  return true;
}

std::unexpected<Error> PostgresPool::Lease::failed(const PostgresFailure& failure) {
  pool_.meters_.errors.add();
  if (failure.code == Errc::in_doubt) pool_.meters_.in_doubt.add();
  if (CircuitBreaker::says_sick(failure.code) && (!connection_ || !connection_->usable()))
    permit_.failed();
  else
    permit_.succeeded();
  return fail(failure.code, pool_.named(failure.message));
}

void PostgresPool::Lease::roll_back() noexcept {
  if (!connection_ || !connection_->usable()) return;
  try {
    connection_->execute("ROLLBACK");
  } catch (...) {
    // The connection is gone, and the transaction with it.
    release();
  }
}

}  // namespace parley::backend
