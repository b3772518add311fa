#include "backend/store/postgres_schema.h"

#include <span>
#include <string_view>

#include "backend/store/postgres_migrations.h"
#include "base/crc32c.h"
#include "base/ids.h"

namespace parley::backend {
namespace {

const std::int64_t kNewest = static_cast<std::int64_t>(postgres_migrations().size());

const PostgresMigration& migration(std::int64_t index) {
  return postgres_migrations()[static_cast<std::size_t>(index)];
}

// Any number nobody else is likely to take: "parley" in hexadecimal digits of its letters.
constexpr const char* kLock =
    "SET LOCAL lock_timeout = '600s'; SET LOCAL statement_timeout = 0;"
    "SELECT pg_advisory_xact_lock(123619166414201)";

struct Patience {
  explicit Patience(PostgresConnection& given) : connection(given) { connection.be_patient(true); }
  ~Patience() { connection.be_patient(false); }
  PostgresConnection& connection;
};

// 0: the database is empty as far as Parley is concerned.
Result<std::int64_t> schema_version(PostgresConnection& connection) {
  auto made = connection.query("SELECT to_regclass('parley_schema') IS NOT NULL");
  if (!made[0].flag(0)) return 0;
  auto version = connection.query("SELECT coalesce(max(version), 0) FROM parley_schema")[0].integer(0);
  if (version <= kNewest) return version;
  return fail(Errc::invalid_argument, "The database has schema version " + std::to_string(version) +
                                          "; this parleyd knows up to " + std::to_string(kNewest) + ".");
}

std::vector<std::string> from_version(std::int64_t version) {
  std::vector<std::string> lines;
  for (auto next = version; next < kNewest; ++next) lines.emplace_back(migration(next).what);
  return lines;
}

void run_migration(PostgresConnection& connection, std::int64_t index) {
  if (index == 0)
    connection.execute("CREATE TABLE parley_schema(version bigint PRIMARY KEY, at timestamptz NOT NULL)");
  const auto& next = migration(index);
  connection.execute(next.sql);
  if (next.with_random_id) connection.query(next.with_random_id, random_id(16));
  if (next.fill) next.fill(connection);
  connection.query("INSERT INTO parley_schema VALUES ($1, now())", index + 1);
}

// The next one, if there is one; false: there was none.
Result<bool> migrate_once(PostgresConnection& connection, std::vector<std::string>& done) {
  Patience patience(connection);
  connection.execute(kLock);
  auto version = schema_version(connection);
  if (!version) return std::unexpected(version.error());
  if (*version == kNewest) return false;
  if (auto encoding = connection.query("SHOW server_encoding")[0].string(0); encoding != "UTF8") {
    return fail(Errc::invalid_argument,
                "The database's encoding is " + encoding + "; Parley needs one made with ENCODING 'UTF8'.");
  }
  run_migration(connection, *version);
  done.emplace_back(migration(*version).what);
  return true;
}

}  // namespace

Result<std::vector<std::string>> pending_postgres_migrations(PostgresPool& pool) {
  return pool.read([](PostgresConnection& connection) -> Result<std::vector<std::string>> {
    auto version = schema_version(connection);
    if (!version) return std::unexpected(version.error());
    return from_version(*version);
  });
}

Result<std::vector<std::string>> migrate_postgres(PostgresPool& pool) {
  auto pending = pending_postgres_migrations(pool);
  if (!pending || pending->empty()) return pending;
  std::vector<std::string> done;
  while (true) {
    auto one = pool.write([&](PostgresConnection& connection) { return migrate_once(connection, done); });
    if (!one) return std::unexpected(one.error());
    if (!*one) return done;
  }
}

std::uint32_t postgres_schema_checksum() {
  std::uint32_t crc = 0;
  for (const auto& one : postgres_migrations())
    for (const char* sql : {one.sql, one.with_random_id})
      if (sql) crc = crc32c(std::as_bytes(std::span(std::string_view(sql))), crc);
  return crc;
}

}  // namespace parley::backend
