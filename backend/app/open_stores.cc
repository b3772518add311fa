#include "backend/app/open_stores.h"

#include <algorithm>

#include "backend/config/store_config.h"
#include "backend/store/postgres_schema.h"
#include "backend/store/postgres_stores.h"
#include "backend/store/sqlite_schema.h"
#include "backend/store/sqlite_stores.h"

namespace parley::backend {
namespace {

// Connections beyond those of the dispatcher's threads: feed, control, room states, HTTP.
constexpr std::uint32_t kOtherReaders = 4;
constexpr std::uint32_t kReadersMax = 64;

PostgresOptions postgres_options(const Config& config) {
  PostgresOptions options;
  options.pool.connections = store_connections(config);
  return options;
}

// What `work` tells of each database of the store, with a pool of one connection.
template <class Work>
Result<std::vector<std::string>> with_database(const Config& config, const Clock& clock, Work work) {
  auto store = postgres_store(config);
  if (!store) return std::unexpected(store.error());
  store->shards.insert(store->shards.begin(), std::move(store->main));
  const bool several = store->shards.size() > 1;
  std::vector<std::string> lines;
  for (auto& address : store->shards) {
    PostgresPool pool(std::move(address), {.connections = 1}, clock);
    auto some = work(pool);
    if (!some) return some;
    for (const auto& line : *some) lines.push_back(several ? pool.address().shown() + " " + line : line);
  }
  return lines;
}

}  // namespace

Result<Stores> open_stores(const Config& config, const Clock& clock, Metrics* metrics) {
  if (is_postgres_url(config.store)) {
    auto store = postgres_store(config);
    if (!store) return std::unexpected(store.error());
    return open_postgres_stores({.main = store->main, .shards = store->shards, .replicas = store->replicas},
                                postgres_options(config), clock, metrics);
  }
  const auto path = sqlite_path(config.store);
  if (!path) return std::unexpected(path.error());
  SqliteOptions options;
  options.readers = std::min(kReadersMax, config.requests.threads + kOtherReaders);
  return open_sqlite_stores(*path, options, clock);
}

Result<std::vector<std::string>> migrate_store(const Config& config, const Clock& clock) {
  if (is_postgres_url(config.store)) return with_database(config, clock, migrate_postgres);
  auto pending = pending_store_migrations(config, clock);
  if (!pending || pending->empty()) return pending;
  if (auto opened = open_stores(config, clock); !opened) return std::unexpected(opened.error());
  return pending;
}

Result<std::vector<std::string>> pending_store_migrations(const Config& config, const Clock& clock) {
  if (is_postgres_url(config.store)) return with_database(config, clock, pending_postgres_migrations);
  const auto path = sqlite_path(config.store);
  if (!path) return std::unexpected(path.error());
  return pending_sqlite_migrations(*path);
}

}  // namespace parley::backend
