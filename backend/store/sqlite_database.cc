#include "backend/store/sqlite_database.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "backend/store/sqlite_schema.h"
#include "backend/store/sqlite_seal.h"
#include "base/file.h"

namespace parley::backend {
namespace {

// A lock held by another process goes away as suddenly as it came: tried again soon.
const BreakerOptions kBreaker{.failures = 3,
                              .pause = {.least = std::chrono::milliseconds(100),
                                        .first = std::chrono::milliseconds(250),
                                        .max = std::chrono::milliseconds(2'000)}};

// Held while a process opens: neither switching to WAL nor migrating stands two of them at a time. Lies
// beside the database.
Result<Fd> lock_for_opening(const std::filesystem::path& path) {
  auto lock_path = path;
  lock_path += ".lock";
  Fd lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) return std::unexpected(errno_error("open", lock_path));
  while (::flock(lock.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return std::unexpected(errno_error("lock", lock_path));
  }
  return lock;
}

// SQLite gives the -wal and -shm files the mode of the database itself, which holds password verifiers.
// A file that is there is not opened: closing it again would drop the locks this process may hold on it.
Result<> make_private_file(const std::filesystem::path& path) {
  Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file && errno != EEXIST) return std::unexpected(errno_error("open", path));
  return {};
}

std::unique_ptr<SqliteConnection> connect(const std::filesystem::path& path, const SqliteOptions& options) {
  auto connection = std::make_unique<SqliteConnection>(path, static_cast<int>(options.busy_timeout.count()));
  connection->execute(
      "PRAGMA journal_mode = WAL;"
      "PRAGMA synchronous = FULL;"
      "PRAGMA foreign_keys = ON;"
      "PRAGMA secure_delete = ON;"
      "PRAGMA temp_store = MEMORY;"
      "PRAGMA cache_size = -8192;"
      "PRAGMA wal_autocheckpoint = 4000;"
      "PRAGMA journal_size_limit = 67108864;");
  return connection;
}

}  // namespace

SqliteDatabase::SqliteDatabase(const Clock& clock) : breaker_(kBreaker, clock) {}

Result<std::shared_ptr<SqliteDatabase>> SqliteDatabase::open(const std::filesystem::path& path,
                                                             const SqliteOptions& options,
                                                             const Clock& clock) {
  if (options.readers < 1 || options.readers > 64)
    return fail(Errc::invalid_argument, "readers must be 1 to 64.");
  auto lock = lock_for_opening(path);
  if (!lock) return std::unexpected(lock.error());
  if (auto made = make_private_file(path); !made) return std::unexpected(made.error());
  try {
    std::shared_ptr<SqliteDatabase> database(new SqliteDatabase(clock));
    database->writer_ = connect(path, options);
    if (auto target = moved_to(*database->writer_); !target.empty())
      return fail(Errc::invalid_argument, "This store was moved to " + target + ": name that one instead.");
    if (auto migrated = migrate_schema(*database->writer_); !migrated)
      return std::unexpected(migrated.error());
    for (std::uint32_t i = 0; i < options.readers; ++i) {
      database->readers_.push_back(connect(path, options));
      database->readers_.back()->execute("PRAGMA query_only = ON");
    }
    return database;
  } catch (const SqliteFailure& failure) {
    return fail(failure.code, failure.message);
  }
}

std::unique_ptr<SqliteConnection> SqliteDatabase::take_reader() {
  std::unique_lock lock(mutex_);
  reader_free_.wait(lock, [&] { return !readers_.empty(); });
  auto connection = std::move(readers_.back());
  readers_.pop_back();
  return connection;
}

void SqliteDatabase::give_back(std::unique_ptr<SqliteConnection> connection) {
  {
    std::lock_guard lock(mutex_);
    readers_.push_back(std::move(connection));
  }
  reader_free_.notify_one();
}

void SqliteDatabase::roll_back(SqliteConnection& connection) noexcept {
  try {
    connection.run("ROLLBACK");
  } catch (const SqliteFailure&) {
    // SQLite had rolled back by itself (a full disk, an I/O error), or the transaction never began.
  }
}

}  // namespace parley::backend
