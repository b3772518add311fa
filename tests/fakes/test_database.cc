#include "tests/fakes/test_database.h"

#include <cstdlib>
#include <stdexcept>

#include "backend/store/postgres_connection.h"
#include "base/ids.h"

namespace parley::backend {
namespace {

constexpr const char* kVariable = "PARLEY_TEST_POSTGRES";

}  // namespace

std::string TestDatabase::why_not() {
  const char* url = std::getenv(kVariable);
  return url && *url ? "" : std::string(kVariable) + " names no PostgreSQL server";
}

PostgresAddress TestDatabase::server() {
  const char* url = std::getenv(kVariable);
  auto address = parse_postgres_url(url ? url : "");
  if (!address) throw std::runtime_error(std::string(kVariable) + ": " + address.error().message);
  return *address;
}

TestDatabase::TestDatabase() : server_(server()), address_(server_) {
  address_.database = "parley_test_" + random_id(12);
  PostgresConnection(server_.conninfo()).execute("CREATE DATABASE " + address_.database);
}

TestDatabase::~TestDatabase() {
  try {
    PostgresConnection(server_.conninfo()).execute("DROP DATABASE " + address_.database + " WITH (FORCE)");
  } catch (const PostgresFailure&) {
    // The server is gone: so is what it served.
  }
}

std::string TestDatabase::run(const std::string& sql) const {
  PostgresConnection connection(address_.conninfo());
  auto rows = connection.execute(sql);
  return rows.empty() ? "" : rows[0].string(0);
}

std::int64_t TestDatabase::number(const std::string& sql) const {
  PostgresConnection connection(address_.conninfo());
  auto rows = connection.execute(sql);
  return rows.empty() ? -1 : rows[0].integer(0);
}

void TestDatabase::recreate(const std::string& options) const {
  PostgresConnection connection(server_.conninfo());
  connection.execute("DROP DATABASE " + address_.database + " WITH (FORCE)");
  connection.execute("CREATE DATABASE " + address_.database + " " + options);
}

void TestDatabase::set(const std::string& setting) const {
  PostgresConnection(server_.conninfo()).execute("ALTER DATABASE " + address_.database + " " + setting);
}

std::int64_t TestDatabase::end_sessions() const {
  PostgresConnection connection(server_.conninfo());
  return connection
      .query("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1",
             address_.database)[0]
      .integer(0);
}

}  // namespace parley::backend
