#include "backend/app/room_states.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/faulty_stores.h"
#include "tests/fakes/memory_stores.h"

namespace parley::backend {
namespace {

TEST(StoredRoomStates, a_large_room_is_counted_when_it_changed_and_not_for_each_message) {
  FakeClock clock;
  auto stores = open_memory_stores(std::make_shared<MemoryDatabase>(), 10, clock);
  for (const char* user : {"al", "bo", "cy"}) ASSERT_TRUE(stores.users->create({.name = user}));
  const auto hall =
      stores.rooms->create({.name = "hall", .members = {{"al", wire::Role::owner}, {"bo"}, {"cy"}}})
          ->value.id;
  const auto den = stores.rooms->create({.name = "den", .members = {{"al", wire::Role::owner}}})->value.id;
  FaultPlan plan;
  FaultyPresenceStore presence(*stores.presence, plan);
  StoredRoomStates states(*stores.rooms, presence, 2, clock);
  const auto online = [&] { return (*states.room_state(hall))->presence->online; };

  EXPECT_FALSE((*states.room_state(den))->presence);
  EXPECT_EQ(online(), 0u);
  std::vector<PresenceRow> rows{{"al", PresenceStatus::online, clock.wall()}};
  ASSERT_TRUE(stores.presence->put(rows));
  EXPECT_EQ(online(), 0u);
  EXPECT_EQ(plan.calls(), 1u);
  states.room_changed(hall);
  EXPECT_EQ(online(), 1u);
  rows[0].status = PresenceStatus::away;
  ASSERT_TRUE(stores.presence->put(rows));
  clock.advance(std::chrono::minutes(1));
  EXPECT_EQ(online(), 0u);
  EXPECT_EQ((*states.room_states("", 10))[1].presence->away, 1u);
  plan.plan(1, {});
  states.room_changed(hall);
  EXPECT_FALSE(states.room_state(hall));
}

}  // namespace
}  // namespace parley::backend
