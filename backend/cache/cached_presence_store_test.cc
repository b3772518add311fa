#include "backend/cache/cached_presence_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "backend/cache/faulty_cache.h"
#include "backend/cache/memory_cache.h"
#include "tests/fakes/memory_stores.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using enum PresenceStatus;

class CachedPresenceTest : public testing::Test {
 protected:
  double count(const char* result) {
    return metrics.counter("parley_cache_presence_total", "", {{"result", result}}).value();
  }
  std::vector<PresenceRow> get(std::vector<std::string> users) { return *cached.get(users); }
  void put(const std::string& user, PresenceStatus status, std::int64_t last_seen) {
    std::vector<PresenceRow> rows{{.user = user, .status = status, .last_seen = from_ms(last_seen)}};
    ASSERT_TRUE(cached.put(rows));
  }

  FakeClock clock;
  std::shared_ptr<MemoryDatabase> database = std::make_shared<MemoryDatabase>();
  Stores stores = open_memory_stores(database, 10, clock);
  MemoryCache cache{1 << 20, {}, clock};
  Metrics metrics;
  CachedPresenceStore cached{*stores.presence, cache, metrics, 3};
};

TEST_F(CachedPresenceTest, a_row_read_twice_comes_from_the_cache_until_it_changes) {
  put("al", online, 10);
  const PresenceRow first{"al", online, from_ms(10)};
  EXPECT_THAT(get({"al"}), ElementsAre(first));
  EXPECT_THAT(get({"al"}), ElementsAre(first));
  EXPECT_EQ(count("hit"), 1);
  put("al", away, 20);
  EXPECT_THAT(get({"al"}), ElementsAre(PresenceRow{"al", away, from_ms(20)}));
  ASSERT_TRUE(cached.set_invisible("al", true));
  EXPECT_THAT(get({"al"}), ElementsAre(PresenceRow{"al", away, from_ms(20), true}));
  EXPECT_EQ(count("hit"), 1);
  EXPECT_THAT(get({"zoe"}), IsEmpty());
}

TEST_F(CachedPresenceTest, copies_expire) {
  put("al", online, 10);
  get({"al"});
  clock.advance(CachedPresenceStore::kExpiry);
  EXPECT_EQ(get({"al"}).size(), 1u);
  EXPECT_EQ(count("hit"), 0);
}

TEST_F(CachedPresenceTest, what_another_wrote_is_seen_after_forget) {
  put("al", online, 10);
  get({"al"});
  std::vector<PresenceRow> rows{{.user = "al", .status = offline, .last_seen = from_ms(30)}};
  ASSERT_TRUE(stores.presence->put(rows));
  cached.forget();
  EXPECT_THAT(get({"al"}), ElementsAre(rows[0]));
}

TEST_F(CachedPresenceTest, a_copy_of_nonsense_is_no_copy) {
  put("al", online, 10);
  get({"al"});
  for (const char* text : {"", "[]", "[1,2,3,4,5]", "{}", "[1,\"al\",9,9,9]"}) {
    ASSERT_TRUE(cache.put_values(std::vector<NamedValue>{{"presence:al", text}}, std::chrono::hours(1)));
    EXPECT_THAT(get({"al"}), ElementsAre(PresenceRow{"al", online, from_ms(10)})) << text;
  }
}

// Whatever the cache loses, repeats, or brings back of old, what is answered is what the store has.
TEST_F(CachedPresenceTest, a_cache_that_lies_changes_no_answer) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  FaultyCache faulty(cache, seed);
  CachedPresenceStore over{*stores.presence, faulty, metrics, 3};
  const std::vector<std::string> users{"al", "bo", "cy", "di", "ed"};
  for (std::int64_t i = 1; i <= 5000; ++i) {
    const auto& user = users[random() % users.size()];
    if (random() % 8 == 0) {
      std::vector<PresenceRow> rows{
          {.user = user, .status = static_cast<PresenceStatus>(random() % 3), .last_seen = from_ms(i)}};
      ASSERT_TRUE(over.put(rows));
    } else if (random() % 20 == 0) {
      ASSERT_TRUE(over.set_invisible(user, random() % 2));
    }
    const std::vector<std::string> asked{user, users[random() % users.size()]};
    const auto given = over.get(asked), is = stores.presence->get(asked);
    ASSERT_THAT(*given, testing::UnorderedElementsAreArray(*is)) << i;
  }
  EXPECT_GT(count("hit"), 0);
}

}  // namespace
}  // namespace parley::backend
