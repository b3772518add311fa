#include "backend/store/postgres_connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <charconv>

#include "backend/store/pqxx_compat.h"
#include "base/encoding.h"

namespace parley::backend {
namespace {

// What a caller can do about an SQLSTATE (PostgreSQL's documentation, appendix A).
Errc code_of_sqlstate(std::string_view state) {
  // A standby answers, a lock or a serialization was lost, time ran out, a plan is of before a migration: a
  // retry may meet better times.
  for (std::string_view passing : {"25006", "40001", "40P01", "55P03", "57014", "0A000"})
    if (state == passing) return Errc::unavailable;
  if (state == kUniqueViolation) return Errc::already_exists;
  auto of_class = state.substr(0, 2);
  for (std::string_view passing : {"08", "53", "57", "58", "28", "3D"})
    if (of_class == passing) return Errc::unavailable;
  return state == "XX001" || state == "XX002" ? Errc::corrupt : Errc::internal;
}

// The server ends the session with these, or it is of no more use: not (any more) the server to write to, plans
// that are out of date.
bool ends_session(std::string_view state) {
  return state.starts_with("08") || state.starts_with("57P") || state == "25006" || state == "0A000";
}

std::int64_t steady_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

std::string one_line(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  std::string line;
  for (char c : text) {
    if (c == '\n')
      line += "; ";
    else if (c != '\t')
      line += c;
  }
  return line;
}

PostgresFailure describe(const pqxx::sql_error& error) {
  return {code_of_sqlstate(error.sqlstate()), "PostgreSQL: " + one_line(error.what()),
          std::string(error.sqlstate()), ends_session(error.sqlstate())};
}

// Sequential scans are off because a plan is kept until the table is analysed again, a minute or more: one made when
// a table had a page reads all of it for each look-up after it has grown (100,000 accounts: 12 ms instead of 0.03).
// Every query has its index; where nothing but a scan will do (counts, one-row tables) it is still made. This does
// not hold for joins, which then read the whole index: what is joined to unnest() of a batch says so itself, by
// LATERAL … LIMIT or a second condition = ANY.
// Plans are generic from the first call on: left to choose, PostgreSQL finds sixteen partitions dear and plans each
// page anew, which takes as long as to read two. No query has a better plan when its values are known.
// synchronous_commit is raised to `on`, never lowered: an operator may ask for more.
std::string session_statements(const PostgresSession& session) {
  auto ms = [](std::chrono::milliseconds time) { return "'" + std::to_string(time.count()) + "ms'"; };
  return "SET client_encoding = 'UTF8'; SET standard_conforming_strings = on; SET jit = off;"
         "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan;"
         "SET client_min_messages = error;"
         "SET statement_timeout = " +
         ms(session.statement_timeout) + "; SET lock_timeout = " + ms(session.lock_timeout) +
         "; SET idle_in_transaction_session_timeout = " + ms(session.idle_in_transaction) +
         "; SELECT set_config('synchronous_commit', 'on', false)"
         " WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')";
}

}  // namespace

struct PostgresConnection::Impl {
  explicit Impl(const std::string& conninfo) : connection(conninfo) {
    pqxx_compat::prepare_connection(connection);
  }
  template <class Run>
  pqxx::result run(Run run) {
    pqxx::nontransaction statement(connection);
    auto result = run(statement);
    statement.commit();
    return result;
  }
  pqxx::connection connection;
};

PostgresConnection::PostgresConnection(const std::string& conninfo) {
  try {
    impl_ = std::make_unique<Impl>(conninfo);
  } catch (const std::exception& error) {
    throw PostgresFailure{Errc::unavailable, one_line(error.what()), "", true};
  }
}

PostgresConnection::~PostgresConnection() = default;

void PostgresConnection::start(const PostgresSession& session) {
  execute(session_statements(session));
}

template <class Statement>
PostgresRows PostgresConnection::ask(Statement statement) {
  asked_at_ms_ = steady_ms();
  try {
    PostgresRows rows(statement());
    asked_at_ms_ = 0;
    ++answered_;
    return rows;
  } catch (...) {
    asked_at_ms_ = 0;
    rethrow();
  }
}

PostgresRows PostgresConnection::execute(const std::string& sql) {
  return ask([&] { return impl_->run([&](pqxx::transaction_base& one) { return one.exec(sql); }); });
}

PostgresRows PostgresConnection::run_prepared(std::string_view sql, const std::vector<std::string>& params) {
  return ask([&] {
    const auto& name = prepare(sql);
    return impl_->run(
        [&](pqxx::transaction_base& one) { return pqxx_compat::run_prepared(one, name, params); });
  });
}

std::chrono::milliseconds PostgresConnection::waiting() const {
  const auto asked_at = asked_at_ms_.load();
  return std::chrono::milliseconds(asked_at == 0 ? 0 : steady_ms() - asked_at);
}

void PostgresConnection::abandon() {
  ::shutdown(impl_->connection.sock(), SHUT_RDWR);
}

const std::string& PostgresConnection::prepare(std::string_view sql) {
  if (auto known = statements_.find(sql); known != statements_.end()) return known->second;
  auto name = "p" + std::to_string(statements_.size());
  impl_->connection.prepare(name, std::string(sql));
  return statements_.emplace(sql, name).first->second;
}

// For use in a catch block.
void PostgresConnection::rethrow() {
  auto failed = [&](PostgresFailure failure) {
    if (!impl_->connection.is_open()) failure.broken = true;
    if (failure.broken) {
      failure.code = Errc::unavailable;
      usable_ = false;
    } else {
      ++answered_;
    }
    throw failure;
  };
  try {
    throw;
  } catch (const pqxx::broken_connection& error) {
    failed({Errc::unavailable, "PostgreSQL: " + one_line(error.what()), "", true});
  } catch (const pqxx::sql_error& error) {
    failed(describe(error));
  } catch (const std::exception& error) {
    failed({Errc::internal, "libpqxx: " + one_line(error.what()), "", false});
  }
  std::terminate();  // not reached: each branch above throws
}

// libpqxx counts references itself: nothing is copied.
PostgresRows::PostgresRows(const pqxx::result& result)
    : result_(std::make_shared<const pqxx::result>(result)) {}

int PostgresRows::size() const {
  return static_cast<int>(result_->size());
}

std::int64_t PostgresRows::affected() const {
  return static_cast<std::int64_t>(result_->affected_rows());
}

std::string_view PostgresRows::Row::text(int column) const {
  auto field = (*result_)[index_][column];
  return {field.c_str(), static_cast<std::size_t>(field.size())};
}

bool PostgresRows::Row::is_null(int column) const {
  return (*result_)[index_][column].is_null();
}

std::int64_t PostgresRows::Row::integer(int column) const {
  auto digits = text(column);
  std::int64_t value = 0;
  auto [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (wrong != std::errc() || end != digits.data() + digits.size())
    throw PostgresFailure{Errc::corrupt, "PostgreSQL gave no whole number where one was asked for.", "",
                          false};
  return value;
}

// bytea comes as \x and hexadecimal digits, uuid as digits in groups.
std::string PostgresRows::Row::bytes(int column) const {
  std::string digits(text(column));
  if (digits.starts_with("\\x")) digits.erase(0, 2);
  std::erase(digits, '-');
  auto bytes = hex_decode(digits);
  if (!bytes)
    throw PostgresFailure{Errc::corrupt, "PostgreSQL gave no bytes where some were asked for.", "", false};
  return *bytes;
}

}  // namespace parley::backend
