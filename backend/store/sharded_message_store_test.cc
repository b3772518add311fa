#include "backend/store/sharded_message_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/faulty_stores.h"
#include "tests/fakes/memory_stores.h"
#include "tests/fakes/records.h"

namespace parley::backend {
namespace {

// Three shards; a room lies in the one its number says.
class ShardedMessages : public testing::Test {
 protected:
  ShardedMessages() {
    std::vector<std::unique_ptr<MessageStore>> stores;
    for (std::size_t i = 0; i < 3; ++i)
      stores.push_back(std::make_unique<FaultyMessageStore>(*shards[i], calls[i]));
    auto locate = [](const std::vector<std::uint64_t>& rooms)
        -> Result<std::unordered_map<std::uint64_t, std::size_t>> {
      std::unordered_map<std::uint64_t, std::size_t> found;
      for (auto room : rooms) found[room] = room % 3;
      return found;
    };
    store = std::make_unique<ShardedMessageStore>(std::move(stores), locate);
  }
  void SetUp() override { ASSERT_TRUE(store->begin(1, "a", std::nullopt)); }
  static Records some() { return Records().add_range(30, 1, 2).add_range(31, 1, 3).add_range(32, 1, 4); }

  std::unique_ptr<MessageStore> shards[3] = {memory_messages(std::make_shared<MemoryDatabase>()),
                                             memory_messages(std::make_shared<MemoryDatabase>()),
                                             memory_messages(std::make_shared<MemoryDatabase>())};
  FaultPlan calls[3];
  std::unique_ptr<ShardedMessageStore> store;
};

TEST_F(ShardedMessages, a_batch_is_spread_and_read_as_one) {
  auto outcome = store->store(1, 0, 100, some().span());
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->stored, 9u);
  for (std::uint64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(shards[i]->message_count(), 2 + i);
    EXPECT_EQ(store->last_seq(30 + i), 2 + i);
    EXPECT_EQ(store->page({.room_id = 30 + i, .after = 0})->envelopes, envelopes_of(30 + i, 1, 2 + i));
  }
  EXPECT_EQ(store->message_count(), 9u);
  EXPECT_EQ(store->position()->offset, 100u);
}

TEST_F(ShardedMessages, the_whole_stands_where_the_last_of_them_stands) {
  calls[1].plan(1, {Fault::What::refused});
  EXPECT_FALSE(store->store(1, 0, 100, some().span()));
  EXPECT_EQ(shards[0]->position()->offset, 100u);
  EXPECT_EQ(store->position()->offset, 0u);
  auto again = store->store(1, 0, 100, some().span());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->stored, 3u);
  EXPECT_EQ(again->repeated, 6u);
  EXPECT_EQ(store->position()->offset, 100u);
}

TEST_F(ShardedMessages, a_newer_generation_anywhere_shuts_out_the_older) {
  ASSERT_TRUE(shards[2]->begin(5, "a", std::nullopt));
  auto refused = store->store(1, 0, 100, some().span());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::permission_denied);
  EXPECT_EQ(store->position()->generation, 5u);
}

TEST_F(ShardedMessages, a_change_of_journals_that_was_cut_off_is_seen) {
  ASSERT_TRUE(store->store(1, 0, 100, some().span()));
  calls[2].plan(1, {Fault::What::refused});
  EXPECT_FALSE(store->begin(2, "b", 64));
  auto journal = store->position()->journal;
  EXPECT_NE(journal, "a");
  EXPECT_NE(journal, "b");
  ASSERT_TRUE(store->begin(3, "b", 64));
  EXPECT_EQ(store->position()->journal, "b");
  EXPECT_EQ(store->position()->offset, 64u);
}

TEST_F(ShardedMessages, a_dead_shard_takes_only_its_own_rooms_away) {
  ASSERT_TRUE(store->store(1, 0, 100, some().span()));
  calls[1].plan([](std::uint64_t) { return std::optional(Fault{}); });
  EXPECT_FALSE(store->page({.room_id = 31}));
  EXPECT_TRUE(store->page({.room_id = 30}));
  EXPECT_TRUE(store->page({.room_id = 32}));
}

}  // namespace
}  // namespace parley::backend
