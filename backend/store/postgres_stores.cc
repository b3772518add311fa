#include "backend/store/postgres_stores.h"

#include "backend/store/postgres_admission_store.h"
#include "backend/store/postgres_audit_store.h"
#include "backend/store/postgres_device_store.h"
#include "backend/store/postgres_directory_log.h"
#include "backend/store/postgres_erase_store.h"
#include "backend/store/postgres_mark_store.h"
#include "backend/store/postgres_message_store.h"
#include "backend/store/postgres_notify_delivery.h"
#include "backend/store/postgres_notify_store.h"
#include "backend/store/postgres_presence_store.h"
#include "backend/store/postgres_push_store.h"
#include "backend/store/postgres_retention.h"
#include "backend/store/postgres_room_store.h"
#include "backend/store/postgres_schema.h"
#include "backend/store/postgres_search.h"
#include "backend/store/postgres_shards.h"
#include "backend/store/postgres_unread_store.h"
#include "backend/store/postgres_user_store.h"
#include "backend/store/replicated_message_store.h"
#include "backend/store/sharded_message_store.h"

namespace parley::backend {
namespace {

using Pool = std::shared_ptr<PostgresPool>;

// Makes pools, each with its name in metrics and among the dependencies.
class Pools {
 public:
  Pools(const PostgresOptions& options, const Clock& clock, Metrics* metrics)
      : options_(options), clock_(clock), metrics_(metrics) {}

  Pool make(const PostgresAddress& address, const std::string& name) {
    auto meters = metrics_ ? PostgresMeters(*metrics_, name) : PostgresMeters();
    auto pool = std::make_shared<PostgresPool>(address, options_.pool, clock_, meters);
    dependencies_.push_back({name, [pool] { return pool->breaker(); }});
    return pool;
  }
  Result<Pool> make_migrated(const PostgresAddress& address, const std::string& name) {
    auto pool = make(address, name);
    if (auto migrated = migrate_postgres(*pool); !migrated) return std::unexpected(migrated.error());
    return pool;
  }
  std::vector<Dependency> take_dependencies() { return std::move(dependencies_); }

 private:
  const PostgresOptions& options_;
  const Clock& clock_;
  Metrics* metrics_;
  std::vector<Dependency> dependencies_;
};

Result<std::shared_ptr<PostgresShards>> open_shards(const Pool& main, const PostgresDatabases& databases,
                                                    Pools& pools) {
  if (databases.shards.empty()) return nullptr;
  std::vector<Pool> all{main};
  for (const auto& address : databases.shards) {
    auto pool = pools.make_migrated(address, "shard" + std::to_string(all.size()));
    if (!pool) return std::unexpected(pool.error());
    all.push_back(*pool);
  }
  return PostgresShards::open(std::move(all));
}

// Messages, and the full text of them.
void open_sharded(const std::shared_ptr<PostgresShards>& shards, bool full_text, Stores& opened) {
  std::vector<std::unique_ptr<MessageStore>> stores;
  std::vector<std::unique_ptr<SearchStore>> searches;
  for (std::size_t i = 0; i < shards->size(); ++i) {
    auto work = full_text ? postgres_search_work(shards->shared_pool(i)) : nullptr;
    stores.push_back(std::make_unique<PostgresMessageStore>(shards->shared_pool(i), work));
    searches.push_back(std::make_unique<PostgresSearchStore>(shards->shared_pool(i), work));
  }
  opened.messages = std::make_unique<ShardedMessageStore>(
      std::move(stores), [shards](const std::vector<std::uint64_t>& rooms) { return shards->locate(rooms); });
  opened.search = std::make_unique<ShardedSearchStore>(std::move(searches));
}

void open_replicated(const Pool& main, const PostgresDatabases& databases, Pools& pools, bool full_text,
                     Stores& opened) {
  auto work = full_text ? postgres_search_work(main) : nullptr;
  opened.search = std::make_unique<PostgresSearchStore>(main, work);
  opened.messages = std::make_unique<PostgresMessageStore>(main, work);
  if (databases.replicas.empty()) return;
  std::vector<std::unique_ptr<MessageStore>> replicas;
  for (const auto& address : databases.replicas) {
    auto name = "replica" + std::to_string(replicas.size() + 1);
    replicas.push_back(std::make_unique<PostgresMessageStore>(pools.make(address, name)));
  }
  opened.messages = std::make_unique<ReplicatedMessageStore>(std::move(opened.messages), std::move(replicas));
}

}  // namespace

Result<Stores> open_postgres_stores(const PostgresDatabases& databases, const PostgresOptions& options,
                                    const Clock& clock, Metrics* metrics) {
  if (!databases.shards.empty() && !databases.replicas.empty())
    return fail(Errc::invalid_argument, "Replicas of a store with shards are not read from.");
  Pools pools(options, clock, metrics);
  auto main = pools.make_migrated(databases.main, "store");
  if (!main) return std::unexpected(main.error());
  auto shards = open_shards(*main, databases, pools);
  if (!shards) return std::unexpected(shards.error());
  auto steps_kept = options.directory_steps_kept;
  Stores stores;
  if (*shards)
    open_sharded(*shards, options.full_text, stores);
  else
    open_replicated(*main, databases, pools, options.full_text, stores);
  stores.rooms = std::make_unique<PostgresRoomStore>(*main, *shards, steps_kept, clock);
  stores.marks = std::make_unique<PostgresMarkStore>(*main, *shards);
  stores.unread = std::make_unique<PostgresUnreadStore>(*main, *shards);
  stores.retention = std::make_unique<PostgresRetentionStore>(*main, *shards, clock);
  stores.users = std::make_unique<PostgresUserStore>(*main, steps_kept, clock);
  stores.directory = std::make_unique<PostgresDirectoryLog>(*main, *shards, steps_kept);
  stores.admissions = std::make_unique<PostgresAdmissionStore>(*main, clock);
  stores.audit = std::make_unique<PostgresAuditStore>(*main, clock);
  stores.devices = std::make_unique<PostgresDeviceStore>(*main, steps_kept);
  stores.erasures = std::make_unique<PostgresEraseStore>(*main, steps_kept, clock);
  stores.presence = std::make_unique<PostgresPresenceStore>(*main);
  stores.push = std::make_unique<PostgresPushStore>(*main, clock);
  stores.notify = std::make_unique<PostgresNotifyStore>(*main);
  stores.deliveries = std::make_unique<PostgresNotifyDelivery>(*main);
  if (*shards) stores.shards = [all = *shards] { return all->status(); };
  stores.dependencies = pools.take_dependencies();
  return stores;
}

}  // namespace parley::backend
