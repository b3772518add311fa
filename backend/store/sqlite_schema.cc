#include "backend/store/sqlite_schema.h"

#include <string>

#include "backend/store/sqlite_migrations.h"
#include "base/ids.h"

namespace parley::backend {
namespace {

const auto kNewest = static_cast<std::int64_t>(sqlite_migrations().size());

const SqliteMigration& migration(std::int64_t index) {
  return sqlite_migrations()[static_cast<std::size_t>(index)];
}

Result<std::int64_t> schema_version(SqliteConnection& connection) {
  auto query = connection.query("PRAGMA user_version");
  query.step();
  auto version = query.integer(0);
  if (version <= kNewest) return version;
  return fail(Errc::invalid_argument, "The database has schema version " + std::to_string(version) +
                                          "; this parleyd knows up to " + std::to_string(kNewest) + ".");
}

void run_migration(SqliteConnection& connection, std::int64_t index) {
  connection.execute("BEGIN EXCLUSIVE");
  try {
    const auto& next = migration(index);
    connection.execute(next.sql);
    if (next.fill) next.fill(connection);
    if (index == 0) connection.run("INSERT INTO meta VALUES (1, ?, 0, 0, '', 0, 0)", random_id(16));
    connection.execute(("PRAGMA user_version = " + std::to_string(index + 1)).c_str());
    connection.execute("COMMIT");
  } catch (...) {
    connection.execute("ROLLBACK");
    throw;
  }
}

}  // namespace

Result<> migrate_schema(SqliteConnection& connection) {
  auto version = schema_version(connection);
  if (!version) return std::unexpected(version.error());
  for (auto next = *version; next < kNewest; ++next) run_migration(connection, next);
  return {};
}

Result<std::vector<std::string>> pending_sqlite_migrations(const std::filesystem::path& path) {
  std::int64_t done = 0;
  std::error_code unreadable;
  if (std::filesystem::exists(path, unreadable)) {
    try {
      SqliteConnection connection(path, 1000);
      auto version = schema_version(connection);
      if (!version) return std::unexpected(version.error());
      done = *version;
    } catch (const SqliteFailure& failure) {
      return fail(failure.code, failure.message);
    }
  }
  std::vector<std::string> lines;
  for (auto next = done; next < kNewest; ++next) lines.emplace_back(migration(next).what);
  return lines;
}

}  // namespace parley::backend
