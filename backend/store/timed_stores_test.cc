#include "backend/store/timed_stores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/memory_stores.h"

namespace parley::backend {
namespace {

using testing::HasSubstr;

TEST(TimedStores, count_each_call_under_its_operation) {
  Metrics metrics;
  FakeClock clock;
  auto stores =
      with_timers(open_memory_stores(std::make_shared<MemoryDatabase>(), 100, clock), metrics, clock);
  EXPECT_TRUE(stores.messages->page({.room_id = 1}) || true);
  EXPECT_TRUE(stores.messages->position());
  EXPECT_FALSE(stores.rooms->find("nowhere"));
  EXPECT_TRUE(stores.users->create({.name = "alice", .title = "", .scram = ""}));
  EXPECT_TRUE(stores.users->find("alice"));
  EXPECT_FALSE(stores.users->find("bob"));
  const auto text = metrics.text();
  EXPECT_THAT(text, HasSubstr("parley_store_seconds_count{operation=\"messages.page\"} 1"));
  EXPECT_THAT(text, HasSubstr("parley_store_seconds_count{operation=\"messages.position\"} 1"));
  EXPECT_THAT(text, HasSubstr("parley_store_seconds_count{operation=\"rooms.find\"} 1"));
  EXPECT_THAT(text, HasSubstr("parley_store_seconds_count{operation=\"users.find\"} 2"));
  EXPECT_THAT(text, HasSubstr("parley_store_seconds_count{operation=\"users.change\"} 1"));
  EXPECT_THAT(text, HasSubstr("parley_store_seconds_count{operation=\"messages.store\"} 0"));
}

}  // namespace
}  // namespace parley::backend
