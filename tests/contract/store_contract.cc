#include "tests/contract/store_contract.h"

#include <deque>
#include <filesystem>

#include "backend/cache/cached_mark_store.h"
#include "backend/cache/mark_copying_room_store.h"
#include "backend/cache/memory_cache.h"
#include "backend/store/postgres_stores.h"
#include "backend/store/sqlite_stores.h"
#include "base/ids.h"
#include "tests/fakes/memory_stores.h"
#include "tests/fakes/migrated_database.h"
#include "tests/fakes/test_database.h"

namespace parley::backend {
namespace {

class SqliteBackend final : public StoreBackend {
 public:
  SqliteBackend() : folder_(std::filesystem::temp_directory_path() / ("parley-store-" + random_id(12))) {
    std::filesystem::create_directory(folder_);
  }
  ~SqliteBackend() override { std::filesystem::remove_all(folder_); }

  Stores open(const Clock& clock) override {
    auto stores = open_sqlite_stores(folder_ / "parley.db", {.directory_steps_kept = kStepsKept}, clock);
    if (!stores) throw std::runtime_error(stores.error().message);
    return std::move(*stores);
  }

 private:
  std::filesystem::path folder_;
};

class MemoryBackend final : public StoreBackend {
 public:
  Stores open(const Clock& clock) override { return open_memory_stores(database_, kStepsKept, clock); }

 private:
  std::shared_ptr<MemoryDatabase> database_ = std::make_shared<MemoryDatabase>();
};

class PostgresBackend final : public StoreBackend {
 public:
  explicit PostgresBackend(std::size_t databases) {
    for (std::size_t i = 0; i < databases; ++i) databases_.emplace_back();
  }

  Stores open(const Clock& clock) override {
    PostgresDatabases databases{.main = databases_[0].address()};
    for (std::size_t i = 1; i < databases_.size(); ++i) databases.shards.push_back(databases_[i].address());
    auto stores = open_postgres_stores(databases, {.directory_steps_kept = kStepsKept}, clock);
    if (!stores) throw std::runtime_error(stores.error().message);
    return std::move(*stores);
  }

 private:
  std::deque<MigratedDatabase> databases_;
};

// What was copied before it was closed lies in the cache ever after.
class CachedMarkBackend final : public StoreBackend {
 public:
  explicit CachedMarkBackend(std::unique_ptr<StoreBackend> inner) : inner_(std::move(inner)) {}

  Stores open(const Clock& clock) override {
    marks_.reset();
    rooms_.reset();
    auto stores = inner_->open(clock);
    marks_ = std::move(stores.marks);
    rooms_ = std::move(stores.rooms);
    if (!cache_) cache_ = std::make_unique<MemoryCache>(1 << 20, TailLimits{}, clock);
    copies_.begin();
    stores.marks = std::make_unique<CachedMarkStore>(*marks_, copies_, *cache_, metrics_);
    stores.rooms = std::make_unique<MarkCopyingRoomStore>(*rooms_, copies_);
    return stores;
  }

 private:
  std::unique_ptr<StoreBackend> inner_;
  std::unique_ptr<Cache> cache_;
  Metrics metrics_;
  MarkCopies copies_;
  std::unique_ptr<MarkStore> marks_;
  std::unique_ptr<RoomStore> rooms_;
};

}  // namespace

std::vector<StoreFactory> cached_mark_factories() {
  auto factories = store_factories();
  for (auto& factory : factories) {
    factory.name += "_cached";
    factory.make = [make = factory.make] { return std::make_unique<CachedMarkBackend>(make()); };
  }
  return factories;
}

std::vector<StoreFactory> store_factories() {
  auto always = [] { return std::string(); };
  auto with_server = [] { return TestDatabase::why_not(); };
  return {{"memory", [] { return std::make_unique<MemoryBackend>(); }, always},
          {"sqlite", [] { return std::make_unique<SqliteBackend>(); }, always},
          {"postgres", [] { return std::make_unique<PostgresBackend>(1); }, with_server},
          {"postgres_shards", [] { return std::make_unique<PostgresBackend>(3); }, with_server}};
}

void StoreContract::SetUp() {
  if (auto why = GetParam().why_not(); !why.empty()) GTEST_SKIP() << why;
  backend_ = GetParam().make();
  stores_ = backend_->open(clock_);
}

void StoreContract::add_user(const std::string& name) {
  auto made = users().create({.name = name, .title = "", .scram = ""});
  ASSERT_TRUE(made) << made.error().message;
}

Room StoreContract::add_room(const std::string& name, const std::string& owner) {
  if (!users().find(owner)) add_user(owner);
  auto made = rooms().create({.name = name, .title = "", .members = {{owner, wire::Role::owner}}});
  if (!made) throw std::runtime_error(made.error().message);
  return made->value;
}

std::vector<DirectoryStep> StoreContract::steps_after(std::uint64_t version, std::uint32_t limit) {
  auto steps = directory().steps_after(version, limit);
  if (!steps) throw std::runtime_error(steps.error().message);
  return *steps;
}

std::vector<wire::DirectoryChange> StoreContract::snapshot() {
  std::vector<wire::DirectoryChange> all;
  auto version = directory().snapshot(2, [&](std::vector<wire::DirectoryChange> part) -> Result<> {
    EXPECT_LE(part.size(), 2u);
    EXPECT_FALSE(part.empty());
    all.insert(all.end(), part.begin(), part.end());
    return {};
  });
  EXPECT_EQ(version, directory().version());
  return all;
}

}  // namespace parley::backend
