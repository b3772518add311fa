#include "backend/store/sqlite_stores.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

#include "backend/store/sqlite_connection.h"
#include "backend/store/sqlite_database.h"
#include "backend/store/sqlite_schema.h"
#include "base/file.h"
#include "base/ids.h"
#include "tests/fakes/records.h"

namespace parley::backend {
namespace {

constexpr std::uint64_t kBytesPerRecord = 100;  // of the imagined journal

class SqliteStores : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directory(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Stores open() {
    auto stores = open_sqlite_stores(path_, {}, clock_);
    EXPECT_TRUE(stores) << stores.error().message;
    return stores ? std::move(*stores) : Stores{};
  }
  std::int64_t number(const char* sql) {
    SqliteConnection connection(path_, 1000);
    auto row = connection.query(sql);
    return row.step() ? row.integer(0) : -1;
  }

  FakeClock clock_;
  std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("parley-sqlite-" + random_id(12));
  std::filesystem::path path_ = folder_ / "parley.db";
};

// Runs `work` in a process of its own. It must end by itself or be killed; its exit code says whether it
// was content.
template <class Work>
pid_t fork_process(Work work) {
  auto child = ::fork();
  if (child != 0) return child;
  ::_exit(work() ? 0 : 1);
}

int wait_for(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

TEST_F(SqliteStores, the_file_is_for_its_owner_alone) {
  auto stores = open();
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

std::int64_t newest_schema() {
  return static_cast<std::int64_t>(pending_sqlite_migrations("/nowhere/parley.db")->size());
}

TEST_F(SqliteStores, an_empty_file_is_brought_to_the_newest_schema_once) {
  const auto pending = static_cast<std::int64_t>(pending_sqlite_migrations(path_)->size());
  EXPECT_GT(pending, 1);
  open();
  EXPECT_EQ(number("PRAGMA user_version"), newest_schema());
  auto stores = open();
  EXPECT_EQ(number("PRAGMA user_version"), newest_schema());
  EXPECT_EQ(number("SELECT count(*) FROM meta"), 1);
}

TEST_F(SqliteStores, a_migration_that_was_cut_off_begins_anew) {
  {
    SqliteConnection connection(path_, 1000);
    connection.execute("BEGIN; CREATE TABLE meta(x); ROLLBACK");
  }
  EXPECT_TRUE(open().users);
}

TEST_F(SqliteStores, a_database_of_a_newer_parleyd_is_left_alone) {
  open();
  SqliteConnection(path_, 1000).execute("PRAGMA user_version = 99");
  auto stores = open_sqlite_stores(path_, {}, clock_);
  ASSERT_FALSE(stores);
  EXPECT_EQ(stores.error().code, Errc::invalid_argument);
  EXPECT_EQ(number("PRAGMA user_version"), 99);
}

TEST_F(SqliteStores, what_is_no_database_is_told_as_corrupt) {
  ASSERT_TRUE(write_file_atomic(path_, std::string(8192, 'x')));
  auto stores = open_sqlite_stores(path_, {}, clock_);
  ASSERT_FALSE(stores);
  EXPECT_EQ(stores.error().code, Errc::corrupt);
}

TEST_F(SqliteStores, a_folder_that_is_missing_is_told_by_name) {
  auto stores = open_sqlite_stores(folder_ / "nowhere" / "parley.db", {}, clock_);
  ASSERT_FALSE(stores);
  EXPECT_NE(stores.error().message.find("nowhere"), std::string::npos);
}

TEST_F(SqliteStores, processes_that_open_at_once_all_succeed) {
  std::vector<pid_t> children;
  for (int i = 0; i < 6; ++i) {
    children.push_back(fork_process([&] { return open_sqlite_stores(path_, {}, clock_).has_value(); }));
  }
  for (auto child : children) EXPECT_EQ(wait_for(child), 0);
  EXPECT_EQ(number("PRAGMA user_version"), newest_schema());
  EXPECT_EQ(number("SELECT count(*) FROM meta"), 1);
}

TEST_F(SqliteStores, writers_of_two_processes_wait_for_each_other) {
  open();
  auto make_users = [&](const std::string& prefix) {
    auto stores = open_sqlite_stores(path_, {}, clock_);
    for (int i = 0; stores && i < 50; ++i) {
      if (!stores->users->create({.name = prefix + std::to_string(i), .title = "", .scram = ""}))
        return false;
    }
    return stores.has_value();
  };
  auto first = fork_process([&] { return make_users("a"); });
  auto second = fork_process([&] { return make_users("b"); });
  EXPECT_EQ(wait_for(first), 0);
  EXPECT_EQ(wait_for(second), 0);
  EXPECT_EQ(number("SELECT count(*) FROM users"), 100);
  EXPECT_EQ(number("SELECT version FROM meta"), 100);
  EXPECT_EQ(number("SELECT count(*) FROM directory_log"), 100);
}

// Stores batches without end, each of a few records, where the position says.
bool store_until_killed(const std::filesystem::path& path, std::uint64_t room) {
  SystemClock clock;
  auto stores = open_sqlite_stores(path, {}, clock);
  if (!stores) return false;
  while (true) {
    auto from = stores->messages->position()->offset;
    auto first = from / kBytesPerRecord + 1;
    auto records = Records().add_range(room, first, first + 6);
    if (!stores->messages->store(1, from, from + 7 * kBytesPerRecord, records.span())) return false;
  }
}

TEST_F(SqliteStores, rows_and_position_agree_wherever_a_process_is_killed) {
  std::uint64_t room = 0;
  {
    auto stores = open();
    ASSERT_TRUE(stores.users->create({.name = "alice", .title = "", .scram = ""}));
    room = stores.rooms->create({.name = "lab", .title = "", .members = {{"alice", wire::Role::owner}}})
               ->value.id;
    ASSERT_TRUE(stores.messages->begin(1, "j", std::nullopt));
  }
  std::uint64_t before = 0;
  for (int round = 0; round < 8; ++round) {
    auto child = fork_process([&] { return store_until_killed(path_, room); });
    // Killed at a different point each round: as soon as it is seen to have got a little further.
    auto goal = before + 7 * kBytesPerRecord * (1 + 3 * static_cast<std::uint64_t>(round));
    auto stores = open();
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (stores.messages->position()->offset < goal && std::chrono::steady_clock::now() < deadline) {
    }
    ::kill(child, SIGKILL);
    EXPECT_TRUE(WIFSIGNALED(wait_for(child)));
    stores = {};
    stores = open();
    auto offset = stores.messages->position()->offset;
    EXPECT_GE(offset, goal);
    EXPECT_EQ(stores.messages->last_seq(room), offset / kBytesPerRecord);
    EXPECT_EQ(stores.messages->message_count(), offset / kBytesPerRecord);
    EXPECT_EQ(number("SELECT count(*) FROM messages"), static_cast<std::int64_t>(offset / kBytesPerRecord));
    before = offset;
  }
}

TEST_F(SqliteStores, messages_of_a_deleted_room_leave_the_disk) {
  auto stores = open();
  ASSERT_TRUE(stores.users->create({.name = "alice", .title = "", .scram = ""}));
  auto room =
      stores.rooms->create({.name = "lab", .title = "", .members = {{"alice", wire::Role::owner}}})->value.id;
  auto records = Records().add_range(room, 1, 5000);
  ASSERT_TRUE(stores.messages->store(1, 0, 100, records.span()));
  ASSERT_TRUE(stores.rooms->erase(room));
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (number("SELECT deleted FROM rooms") != 2 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_EQ(number("SELECT count(*) FROM messages"), 0);
  EXPECT_EQ(number("SELECT deleted FROM rooms"), 2);
}

TEST_F(SqliteStores, of_too_many_dead_letters_the_oldest_go) {
  auto stores = open();
  SqliteConnection(path_, 1000)
      .execute(
          "INSERT INTO notify_dead(at, user, provider, target, room_id, seq, mention_seq, reason, notice, "
          "attempts)"
          " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100005)"
          " SELECT 1000, 'u', 'p', '@p', 0, i, 0, '', '', 1 FROM n");
  EXPECT_TRUE(*stores.deliveries->sweep(from_ms(0), from_ms(0), 3));
  EXPECT_FALSE(*stores.deliveries->sweep(from_ms(0), from_ms(0), 3));
  EXPECT_EQ(stores.deliveries->dead(0, 1)->at(0).seq, 6u);
  EXPECT_EQ(stores.deliveries->queues()->at(0).dead, kDeadLettersMax);
}

TEST_F(SqliteStores, a_purge_that_was_cut_off_goes_on_when_opened) {
  open();
  SqliteConnection(path_, 1000)
      .execute(
          "INSERT INTO rooms(id, name, name_key, kind, title, public, epoch, deleted) VALUES (5, 'r', 'r', "
          "0, '', 0, 'e', 1);"
          "INSERT INTO messages VALUES (5, 1, x'00', 0, '', '', '', 0, NULL, NULL, 0, 1, '');"
          "INSERT INTO mentions VALUES (5, 'bob', 1)");
  auto stores = open();
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (number("SELECT deleted FROM rooms") != 2 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_EQ(number("SELECT count(*) FROM messages"), 0);
}

TEST_F(SqliteStores, a_failing_statement_undoes_its_whole_transaction) {
  auto database = SqliteDatabase::open(path_, {}, clock_);
  ASSERT_TRUE(database);
  auto failed = (*database)->write([](SqliteConnection& connection) -> Result<> {
    connection.run("UPDATE meta SET version = 7");
    connection.run("INSERT INTO meta SELECT * FROM meta");
    return {};
  });
  EXPECT_FALSE(failed);
  EXPECT_EQ(number("SELECT version FROM meta"), 0);
  auto refused = (*database)->write([](SqliteConnection& connection) -> Result<> {
    connection.run("UPDATE meta SET version = 7");
    return fail(Errc::not_found, "no");
  });
  EXPECT_EQ(refused.error().code, Errc::not_found);
  EXPECT_EQ(number("SELECT version FROM meta"), 0);
}

TEST_F(SqliteStores, readers_change_nothing) {
  auto database = SqliteDatabase::open(path_, {}, clock_);
  ASSERT_TRUE(database);
  EXPECT_FALSE((*database)->read([](SqliteConnection& connection) -> Result<> {
    connection.run("UPDATE meta SET version = 7");
    return {};
  }));
}

TEST_F(SqliteStores, a_locked_database_is_unavailable_not_broken) {
  open();
  auto stores = open_sqlite_stores(path_, {.busy_timeout = std::chrono::milliseconds(1)}, clock_);
  ASSERT_TRUE(stores);
  SqliteConnection other(path_, 1000);
  other.execute("BEGIN IMMEDIATE");
  auto refused = stores->users->create({.name = "alice", .title = "", .scram = ""});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  other.execute("ROLLBACK");
  EXPECT_TRUE(stores->users->create({.name = "alice", .title = "", .scram = ""}));
}

TEST_F(SqliteStores, a_database_locked_for_long_is_left_alone_for_a_while_but_still_read) {
  open();
  auto stores = open_sqlite_stores(path_, {.busy_timeout = std::chrono::milliseconds(1)}, clock_);
  ASSERT_TRUE(stores);
  auto make_alice = [&] {
    return stores->users->create({.name = "alice", .title = "", .scram = ""}).has_value();
  };
  auto state = [&] { return stores->dependencies.at(0).reading().state; };
  SqliteConnection other(path_, 1000);
  other.execute("BEGIN IMMEDIATE");
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(make_alice());
  EXPECT_EQ(state(), BreakerState::open);
  EXPECT_TRUE(stores->users->count());
  other.execute("ROLLBACK");
  EXPECT_FALSE(make_alice()) << "not tried again yet";
  clock_.advance(std::chrono::seconds(2));
  EXPECT_TRUE(make_alice());
  EXPECT_EQ(state(), BreakerState::closed);
}

}  // namespace
}  // namespace parley::backend
