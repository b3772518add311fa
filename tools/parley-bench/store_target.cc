#include "tools/parley-bench/store_target.h"

#include <cstdlib>

#include "backend/store/postgres_stores.h"
#include "backend/store/sqlite_stores.h"
#include "base/file.h"
#include "base/ids.h"
#include "tools/parley-bench/broker.h"
#include "tools/parley-bench/postgres_rows.h"
#include "tools/parley-bench/sqlite_rows.h"
#include "tools/parley-bench/try.h"

namespace parley::bench {
namespace {

constexpr const char* kPasswordVariable = "PARLEY_STORE_PASSWORD";

class SqliteTarget final : public StoreTarget {
 public:
  explicit SqliteTarget(std::filesystem::path folder) : folder_(std::move(folder)) {}
  ~SqliteTarget() override {
    std::error_code ec;
    std::filesystem::remove_all(folder_, ec);
  }

  Result<backend::Stores> open_stores(const Clock& clock, std::size_t) override {
    return backend::open_sqlite_stores(folder_ / "parley.db", {}, clock);
  }
  Result<std::unique_ptr<BareRows>> open_bare() override {
    return SqliteRows::open(folder_ / "parley.db", folder_ / "bare.db");
  }
  Result<> settle() override { return {}; }

 private:
  std::filesystem::path folder_;
};

class PostgresTarget final : public StoreTarget {
 public:
  static Result<std::unique_ptr<StoreTarget>> make(const backend::PostgresAddress& server) {
    auto target = std::make_unique<PostgresTarget>();
    target->server_ = PARLEY_TRY(PostgresRows::connect(server));
    target->address_ = server;
    target->address_.database = "parley_bench_" + random_id(12);
    PARLEY_TRY(target->server_->run("CREATE DATABASE " + target->address_.database));
    return target;
  }
  ~PostgresTarget() override {
    if (server_)
      static_cast<void>(server_->run("DROP DATABASE IF EXISTS " + address_.database + " WITH (FORCE)"));
  }

  Result<backend::Stores> open_stores(const Clock& clock, std::size_t threads) override {
    backend::PostgresOptions options;
    options.pool.connections = static_cast<std::uint32_t>(threads);
    return backend::open_postgres_stores({.main = address_}, options, clock);
  }
  Result<std::unique_ptr<BareRows>> open_bare() override { return PostgresRows::connect(address_); }
  // A role that may not ask for a checkpoint measures with whatever comes.
  Result<> settle() override {
    static_cast<void>(server_->run("CHECKPOINT"));
    auto inside = PARLEY_TRY(PostgresRows::connect(address_));
    return inside->run("VACUUM ANALYZE messages");
  }

 private:
  std::unique_ptr<PostgresRows> server_;
  backend::PostgresAddress address_;
};

Result<backend::PostgresAddress> server_address(const StoreChoice& choice) {
  auto address = PARLEY_TRY(backend::parse_postgres_url(choice.url));
  if (!address.password.empty()) {
    return fail(Errc::invalid_argument,
                std::string("--store: leave the password out, others can read the command line. Set ") +
                    kPasswordVariable + " or give --store-password-file.");
  }
  if (!choice.password_file.empty()) {
    address.password = PARLEY_TRY(read_secret_file(choice.password_file));
  } else if (const char* set = std::getenv(kPasswordVariable)) {
    address.password = set;
  }
  return address;
}

}  // namespace

std::string StoreChoice::bare_is() const {
  if (backend::is_postgres_url(url))
    return "bare: COPY of the same rows, or the same query prepared, by libpq alone.";
  return "bare: the same rows, or the same query, by SQLite's C interface alone (WAL, synchronous FULL).";
}

Result<std::unique_ptr<StoreTarget>> make_store_target(const StoreChoice& choice,
                                                       const std::filesystem::path& folder) {
  if (backend::is_postgres_url(choice.url)) {
    const auto server = PARLEY_TRY(server_address(choice));
    return PostgresTarget::make(server);
  }
  if (choice.url != "sqlite")
    return fail(Errc::invalid_argument, "--store is sqlite or postgresql://user@host[:port]/database.");
  PARLEY_TRY(make_folder(folder));
  return std::make_unique<SqliteTarget>(folder);
}

}  // namespace parley::bench
