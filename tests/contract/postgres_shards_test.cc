#include "backend/store/postgres_shards.h"

#include <gmock/gmock.h>

#include <map>

#include "tests/contract/postgres_testing.h"
#include "tests/fakes/records.h"

namespace parley::backend {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

// The first database goes through the fixture's proxy, the second through another.
class PostgresShardsTest : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (IsSkipped()) return;
    second = std::make_unique<TestDatabase>();
    second_proxy = std::make_unique<TcpProxy>(server_port(second->address()));
    second_address = through(*second_proxy, second->address());
  }
  Stores open_both() {
    PostgresOptions options;
    options.pool.breaker.failures = 1'000;  // what is tested here are the shards
    auto stores = open_postgres_stores({.main = address, .shards = {second_address}}, options, clock);
    if (!stores) throw std::runtime_error(stores.error().message);
    return std::move(*stores);
  }
  // A room whose messages lie in the database named.
  std::uint64_t room_in(Stores& stores, bool in_second) {
    while (true) {
      auto room = make_room(stores, "room" + std::to_string(++made));
      auto shard = database->run("SELECT shard FROM rooms WHERE id = " + std::to_string(room));
      if (shard.empty() != in_second) return room;
    }
  }

  std::unique_ptr<TestDatabase> second;
  std::unique_ptr<TcpProxy> second_proxy;
  PostgresAddress second_address;
  int made = 0;
};

TEST_F(PostgresShardsTest, messages_lie_where_their_room_was_placed) {
  auto stores = open_both();
  ASSERT_TRUE(stores.messages->begin(1, "j", std::nullopt));
  auto here = room_in(stores, false), there = room_in(stores, true);
  auto records = Records().add_range(here, 1, 3).add_range(there, 1, 5);
  ASSERT_TRUE(stores.messages->store(1, 0, 100, records.span()));
  EXPECT_EQ(database->number("SELECT count(*) FROM messages"), 3);
  EXPECT_EQ(second->number("SELECT count(*) FROM messages"), 5);
  EXPECT_EQ(second->number("SELECT count(*) FROM rooms"), 0);
  EXPECT_EQ(stores.rooms->get(there)->last_seq, 5u);
  EXPECT_EQ(stores.messages->page({.room_id = there, .after = 0})->envelopes, envelopes_of(there, 1, 5));
  auto status = *stores.shards();
  ASSERT_THAT(status, SizeIs(2));
  EXPECT_EQ(status[1].messages, 5u);
  EXPECT_TRUE(status[1].answers);
}

TEST_F(PostgresShardsTest, a_database_that_joins_later_takes_new_rooms_and_the_others_stay) {
  std::uint64_t old_room = 0;
  {
    auto stores = open();
    old_room = make_room(stores, "old");
    ASSERT_TRUE(stores.messages->begin(3, "j", std::nullopt));
    ASSERT_TRUE(stores.messages->store(3, 0, 700, Records().add_range(old_room, 1, 4).span()));
  }
  auto stores = open_both();
  EXPECT_EQ(stores.messages->position()->journal, "j");
  EXPECT_EQ(stores.messages->position()->offset, 700u);
  auto there = room_in(stores, true);
  auto records = Records().add_range(old_room, 5, 6).add(there, 1);
  ASSERT_TRUE(stores.messages->store(3, 700, 800, records.span()));
  EXPECT_EQ(stores.messages->page({.room_id = old_room, .after = 0})->envelopes,
            envelopes_of(old_room, 1, 6));
  EXPECT_EQ(second->number("SELECT count(*) FROM messages"), 1);
}

TEST_F(PostgresShardsTest, a_database_that_holds_rooms_may_not_be_left_out) {
  {
    auto stores = open_both();
    room_in(stores, true);
  }
  TestDatabase third;
  auto without = open_postgres_stores({.main = address, .shards = {third.address()}}, {}, clock);
  EXPECT_EQ(error_code(without), Errc::invalid_argument);
  EXPECT_THAT(without.error().message, HasSubstr("store_shards"));
}

TEST_F(PostgresShardsTest, one_database_named_twice_is_refused) {
  auto twice = open_postgres_stores({.main = address, .shards = {address}}, {}, clock);
  EXPECT_EQ(error_code(twice), Errc::invalid_argument);
  EXPECT_THAT(twice.error().message, HasSubstr("named twice"));
}

TEST_F(PostgresShardsTest, a_dead_shard_takes_its_own_rooms_away_and_is_told) {
  auto stores = open_both();
  auto here = room_in(stores, false), there = room_in(stores, true);
  ASSERT_TRUE(
      stores.messages->store(1, 0, 100, Records().add_range(here, 1, 3).add_range(there, 1, 5).span()));
  second_proxy->shut(true);
  EXPECT_EQ(error_code(stores.messages->page({.room_id = there})), Errc::unavailable);
  EXPECT_EQ(error_code(stores.rooms->get(there)), Errc::unavailable);
  EXPECT_EQ(stores.messages->page({.room_id = here})->through, 3u);
  EXPECT_EQ(stores.rooms->get(here)->last_seq, 3u);
  EXPECT_FALSE((*stores.shards())[1].answers);
  auto more = Records().add(here, 4).add(there, 6);
  EXPECT_EQ(error_code(stores.messages->store(1, 100, 200, more.span())), Errc::unavailable);
  second_proxy->shut(false);
  EXPECT_EQ(stores.messages->position()->offset, 100u);
  auto again = stores.messages->store(1, 100, 200, more.span());
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->stored + again->repeated, 2u);
  EXPECT_EQ(stores.messages->last_seq(there), 6u);
}

TEST_F(PostgresShardsTest, messages_expire_where_they_lie) {
  auto stores = open_both();
  const auto here = room_in(stores, false), there = room_in(stores, true);
  for (const auto room : {here, there})
    ASSERT_TRUE(stores.rooms->update(room, {.retain = Retention{.messages = 2}}));
  ASSERT_TRUE(
      stores.messages->store(1, 0, 100, Records().add_range(here, 1, 3).add_range(there, 1, 5).span()));
  EXPECT_THAT(*stores.retention->rooms({}), SizeIs(2));
  EXPECT_EQ(stores.retention->expire({.room_id = here})->expired, 1u);
  EXPECT_EQ(stores.retention->expire({.room_id = there})->expired, 3u);
  EXPECT_EQ(second->number("SELECT count(*) FROM messages"), 2);
  EXPECT_EQ(stores.rooms->get(there)->expired, 3u);
  second_proxy->shut(true);
  EXPECT_EQ(error_code(stores.retention->expire({.room_id = there})), Errc::unavailable);
  EXPECT_EQ(error_code(stores.rooms->update(there, {.retain = Retention{.messages = 1}})), Errc::unavailable);
  EXPECT_TRUE(stores.retention->expire({.room_id = here}));
}

TEST_F(PostgresShardsTest, while_a_shard_is_away_no_hold_begins_and_none_ends) {
  auto stores = open_both();
  const auto room = room_in(stores, true);
  ASSERT_TRUE(stores.rooms->update(room, {.retain = Retention{.messages = 1}}));
  ASSERT_TRUE(stores.messages->store(1, 0, 100, Records().add_range(room, 1, 5).span()));
  second_proxy->shut(true);
  EXPECT_EQ(error_code(stores.retention->hold(room, true, {})), Errc::unavailable);
  second_proxy->shut(false);
  EXPECT_FALSE(stores.rooms->get(room)->held);
  ASSERT_TRUE(stores.retention->hold(room, true, {}));
  second_proxy->shut(true);
  EXPECT_EQ(error_code(stores.retention->hold(room, false, {})), Errc::unavailable);
  second_proxy->shut(false);
  EXPECT_EQ(stores.retention->expire({.room_id = room})->rows, 0u);
  ASSERT_TRUE(stores.retention->hold(room, false, {}));
  EXPECT_EQ(stores.retention->expire({.room_id = room})->rows, 4u);
}

TEST_F(PostgresShardsTest, a_deletion_reaches_a_shard_that_was_away) {
  std::uint64_t there = 0;
  {
    auto stores = open_both();
    there = room_in(stores, true);
    ASSERT_TRUE(stores.messages->store(1, 0, 100, Records().add_range(there, 1, 5).span()));
    second_proxy->shut(true);
    ASSERT_TRUE(stores.rooms->erase(there));
    EXPECT_EQ(error_code(stores.rooms->get(there)), Errc::not_found);
  }
  second_proxy->shut(false);
  auto stores = open_both();
  auto id = std::to_string(there);
  EXPECT_TRUE(eventually(
      [&] { return second->number("SELECT state FROM room_progress WHERE room_id = " + id) == 2; }));
  EXPECT_EQ(second->number("SELECT count(*) FROM messages"), 0);
  EXPECT_EQ(stores.messages->store(1, 100, 200, Records().add(there, 6).span())->dropped, 1u);
}

}  // namespace
}  // namespace parley::backend
