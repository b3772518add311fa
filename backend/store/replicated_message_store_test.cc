#include "backend/store/replicated_message_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/faulty_stores.h"
#include "tests/fakes/memory_stores.h"
#include "tests/fakes/records.h"

namespace parley::backend {
namespace {

constexpr std::uint64_t kRoom = 7;

// A primary and two replicas that follow it only when told.
class ReplicatedMessages : public testing::Test {
 protected:
  ReplicatedMessages() {
    std::vector<std::unique_ptr<MessageStore>> replicas;
    for (std::size_t i = 0; i < 2; ++i)
      replicas.push_back(std::make_unique<FaultyMessageStore>(*replica_stores[i], replica_calls[i]));
    store = std::make_unique<ReplicatedMessageStore>(
        std::make_unique<FaultyMessageStore>(*primary, primary_calls), std::move(replicas));
    put(*primary, 10);
    for (auto& replica : replica_stores) put(*replica, 10);
  }
  static void put(MessageStore& store, std::uint64_t last) {
    ASSERT_TRUE(store.store(1, 0, 1, Records().add_range(kRoom, 1, last).span()));
  }
  Result<Page> page(std::optional<std::uint64_t> after, std::optional<std::uint64_t> last_seq) {
    PageQuery query{.room_id = kRoom, .after = after};
    if (last_seq) query.head = RoomHead{.epoch = "e", .last_seq = *last_seq};
    return store->page(query);
  }
  std::uint64_t asked_of_replicas() const { return replica_calls[0].calls() + replica_calls[1].calls(); }

  std::unique_ptr<MessageStore> primary = memory_messages(std::make_shared<MemoryDatabase>());
  std::unique_ptr<MessageStore> replica_stores[2] = {memory_messages(std::make_shared<MemoryDatabase>()),
                                                     memory_messages(std::make_shared<MemoryDatabase>())};
  FaultPlan primary_calls, replica_calls[2];
  std::unique_ptr<ReplicatedMessageStore> store;
};

TEST_F(ReplicatedMessages, pages_come_from_replicas_in_turn) {
  for (int i = 0; i < 4; ++i) EXPECT_EQ(page(0, 10)->through, 10u);
  EXPECT_EQ(primary_calls.calls(), 0u);
  EXPECT_EQ(replica_calls[0].calls(), 2u);
  EXPECT_EQ(replica_calls[1].calls(), 2u);
}

TEST_F(ReplicatedMessages, a_replica_behind_what_the_room_has_is_not_shown) {
  put(*primary, 12);
  EXPECT_EQ(page(0, 12)->through, 12u);
  EXPECT_EQ(primary_calls.calls(), 1u);
  EXPECT_EQ(page(0, 10)->through, 10u);
  EXPECT_EQ(primary_calls.calls(), 1u);
}

TEST_F(ReplicatedMessages, a_replica_that_still_has_what_expired_is_not_shown) {
  EXPECT_TRUE(store->page({.room_id = kRoom, .head = RoomHead{.last_seq = 10, .expired = 3}}));
  EXPECT_EQ(asked_of_replicas(), 1u);
  EXPECT_EQ(primary_calls.calls(), 1u);
}

TEST_F(ReplicatedMessages, a_replica_behind_what_the_reader_has_is_not_shown) {
  put(*primary, 12);
  EXPECT_EQ(page(11, 10)->envelopes.size(), 1u);
  EXPECT_EQ(primary_calls.calls(), 1u);
}

TEST_F(ReplicatedMessages, without_knowing_the_room_the_primary_is_asked) {
  EXPECT_EQ(page(0, std::nullopt)->through, 10u);
  EXPECT_EQ(asked_of_replicas(), 0u);
}

TEST_F(ReplicatedMessages, a_dead_replica_costs_nothing_but_the_asking) {
  for (auto& calls : replica_calls)
    calls.plan([](std::uint64_t) { return std::optional(Fault{Fault::What::refused, Errc::unavailable}); });
  EXPECT_EQ(page(0, 10)->envelopes, envelopes_of(kRoom, 1, 10));
  EXPECT_EQ(page(0, 10)->envelopes, envelopes_of(kRoom, 1, 10));
  EXPECT_EQ(asked_of_replicas(), 2u);
}

}  // namespace
}  // namespace parley::backend
