// The cache in a real Redis that is killed, wiped, paused, and put back to an old dump.
#include "backend/cache/redis_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backend/cache/cache_testing.h"
#include "backend/cache/cached_entry.h"
#include "backend/cache/cached_message_store.h"
#include "backend/cache/make_cache.h"
#include "backend/cache/scripted_redis.h"
#include "backend/cache/test_redis.h"

namespace parley::backend {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr TailLimits kTail{.messages = 20, .bytes = 10'000};

class RedisCacheTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!TestRedis::installed()) GTEST_SKIP() << "no redis-server is installed";
    redis_ = std::make_unique<TestRedis>();
    auto made = make_cache(
        {.url = redis_->url(), .installation = "i", .timeout = std::chrono::seconds(2), .tail = kTail},
        clock_, [this](LogLevel, std::string_view line) { log_.append(line); });
    ASSERT_TRUE(made) << made.error().message;
    cache_ = std::move(made->cache);
    store_ = std::make_unique<CachedMessageStore>(*database_.stores().messages, *cache_, kTail, metrics_);
    lab_ = database_.make_room("lab").id;
    ASSERT_TRUE(store_->begin(1, "journal", std::nullopt));
    store(1, 9);
  }
  void store(std::uint64_t first, std::uint64_t last) {
    ASSERT_TRUE(store_->store(1, offset_, offset_ + 1, TestRecords().add_range(lab_, first, last).span()));
    ++offset_;
    newest_ = last;
  }
  // The newest page is right, and came from where `result` says.
  void expect_page(const char* result) {
    const auto before = pages_counted(metrics_, result);
    expect_page();
    EXPECT_EQ(pages_counted(metrics_, result), before + 1) << "not a " << result;
  }
  void expect_page() {
    const auto room = database_.stores().rooms->get(lab_);
    const auto page =
        store_->page({.room_id = lab_, .limit = 5, .head = RoomHead{room->epoch, room->last_seq}});
    ASSERT_TRUE(page);
    EXPECT_EQ(page->envelopes, test_envelopes(lab_, newest_ - 4, newest_));
    EXPECT_EQ(page->through, newest_);
  }
  std::string room_key() {
    const auto keys = redis_->run({"KEYS", "parley:i:room:*"});
    return keys.list.size() == 1 ? keys.list[0].text : "";
  }
  BreakerState state() { return cache_->dependency().reading().state; }
  void wait_out_the_breaker() { clock_.advance(std::chrono::minutes(1)); }

  FakeClock clock_;
  Metrics metrics_;
  std::string log_;
  std::unique_ptr<TestRedis> redis_;
  TestDatabase database_{clock_};
  std::unique_ptr<Cache> cache_;
  std::unique_ptr<CachedMessageStore> store_;
  std::uint64_t lab_ = 0, offset_ = 0, newest_ = 0;
};

TEST_F(RedisCacheTest, a_room_is_one_list_that_expires) {
  expect_page("miss");
  expect_page("hit");
  store(10, 11);
  expect_page("hit");
  EXPECT_EQ(redis_->run({"LLEN", room_key()}).integer, 11);
  EXPECT_GT(redis_->run({"PTTL", room_key()}).integer, 0);
  EXPECT_EQ(redis_->run({"LINDEX", room_key(), "-1"}).text, pack_entry(lab_, 11, test_envelope(lab_, 11)));
}

TEST_F(RedisCacheTest, a_wiped_redis_is_filled_again) {
  expect_page("miss");
  redis_->run({"FLUSHALL"});
  expect_page("miss");
  expect_page("hit");
}

TEST_F(RedisCacheTest, a_redis_wiped_before_a_store_gives_nothing_wrong) {
  expect_page("miss");
  redis_->run({"FLUSHALL"});
  store(10, 10);
  expect_page("miss");
  expect_page("hit");
}

TEST_F(RedisCacheTest, while_redis_is_dead_the_store_answers_and_it_is_used_when_it_is_back) {
  expect_page("miss");
  redis_->kill();
  for (int i = 0; i < 5; ++i) {
    store(10 + static_cast<std::uint64_t>(i), 10 + static_cast<std::uint64_t>(i));
    expect_page();
  }
  EXPECT_EQ(state(), BreakerState::open);
  expect_page("bypass");
  redis_->start();
  expect_page("bypass");
  wait_out_the_breaker();
  expect_page("miss");
  EXPECT_EQ(state(), BreakerState::closed);
  expect_page("hit");
  EXPECT_THAT(log_, Not(HasSubstr(redis_->password())));
  EXPECT_THAT(log_, HasSubstr("works again"));
}

TEST_F(RedisCacheTest, an_old_dump_is_not_believed) {
  expect_page("miss");
  redis_->save_dump();
  store(10, 12);
  expect_page("hit");
  redis_->kill();
  redis_->start();
  EXPECT_EQ(redis_->run({"LLEN", room_key()}).integer, 9) << "the old list is back";
  expect_page("miss");
  expect_page("hit");
}

TEST_F(RedisCacheTest, an_old_dump_that_is_written_on_is_not_believed) {
  expect_page("miss");
  redis_->save_dump();
  store(10, 12);
  redis_->kill();
  redis_->start();
  store(13, 13);
  const auto list = redis_->run({"LLEN", room_key()}).integer;
  EXPECT_EQ(list, 10) << "nine old ones and the new one, with a hole between";
  expect_page("miss");
  expect_page("hit");
}

TEST_F(RedisCacheTest, a_paused_redis_costs_its_time_limit_only_until_the_breaker_opens) {
  auto made = make_cache(
      {.url = redis_->url(), .installation = "i", .timeout = std::chrono::milliseconds(30), .tail = kTail},
      clock_, [](LogLevel, std::string_view) {});
  const RoomKey key{.lease = 1, .room_id = 1, .epoch = "e"};
  ASSERT_TRUE(made->cache->fill(key, 1, test_envelopes(1, 1, 3)));
  redis_->pause();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(made->cache->find(key, 3, {1, 3}).error().code, Errc::timeout);
  const auto reading = [&] { return made->cache->dependency().reading(); };
  EXPECT_EQ(reading().state, BreakerState::open);
  EXPECT_EQ(made->cache->find(key, 3, {1, 3}).error().code, Errc::unavailable);
  EXPECT_EQ(reading().refused, 1u);
  redis_->resume();
  wait_out_the_breaker();
  EXPECT_TRUE(eventually([&] {
    wait_out_the_breaker();
    return made->cache->find(key, 3, {1, 3}) == test_envelopes(1, 1, 3);
  }));
}

TEST_F(RedisCacheTest, something_else_under_the_key_is_replaced) {
  expect_page("miss");
  const auto key = room_key();
  redis_->run({"SET", key, "not a list"});
  expect_page("miss");
  expect_page("hit");
  redis_->run({"RPUSH", key, "not a message"});
  expect_page("miss");
  expect_page("hit");
}

TEST_F(RedisCacheTest, a_changed_message_is_not_believed) {
  expect_page("miss");
  auto packed = pack_entry(lab_, 8, test_envelope(lab_, 8));
  packed.back() ^= 1;
  redis_->run({"LSET", room_key(), "-2", packed});
  expect_page("miss");
}

TEST_F(RedisCacheTest, nothing_of_an_earlier_lease_is_looked_for) {
  expect_page("miss");
  ASSERT_TRUE(store_->begin(1, "journal", std::nullopt));
  expect_page("miss");
  EXPECT_EQ(redis_->run({"KEYS", "parley:i:room:*"}).list.size(), 2u);
}

TEST_F(RedisCacheTest, a_counter_is_shared_by_all_who_use_the_installation) {
  auto other =
      make_cache({.url = redis_->url(), .installation = "i"}, clock_, [](LogLevel, std::string_view) {});
  const Rate rate{.per_s = 1, .burst = 4};
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(cache_->take("alice", rate));
    EXPECT_TRUE(other->cache->take("alice", rate));
  }
  EXPECT_FALSE(cache_->take("alice", rate));
  EXPECT_FALSE(other->cache->take("alice", rate));
  EXPECT_GT(redis_->run({"PTTL", "parley:i:rate:alice"}).integer, 0);
}

TEST_F(RedisCacheTest, without_redis_a_process_counts_for_itself) {
  redis_->kill();
  const Rate rate{.per_s = 1, .burst = 2};
  EXPECT_TRUE(cache_->take("alice", rate));
  EXPECT_TRUE(cache_->take("alice", rate));
  EXPECT_FALSE(cache_->take("alice", rate));
  clock_.advance(std::chrono::seconds(1));
  EXPECT_TRUE(cache_->take("alice", rate));
}

TEST(RedisCacheReplies, of_any_kind_are_never_a_message) {
  FakeClock clock;
  for (const std::string reply :
       {":5\r\n", "+OK\r\n", "$-1\r\n", "*-1\r\n", "*2\r\n:1\r\n:2\r\n", "*1\r\n*1\r\n$1\r\nx\r\n",
        "*1\r\n$-1\r\n", "-WRONGTYPE x\r\n", "*1\r\n$3\r\nabc\r\n"}) {
    ScriptedRedis server([&](const auto& command) { return command[0] == "LRANGE" ? reply : "+OK\r\n"; });
    // The scripted server answers each command of the transaction; what it says does not matter.
    auto pool = std::make_unique<RedisPool>(
        RedisTarget{.addresses = {{"127.0.0.1", server.port()}}}, RedisTls{},
        RedisPoolOptions{.times = {.connect = std::chrono::seconds(5), .command = std::chrono::seconds(5)}},
        clock, [](LogLevel, std::string_view) {});
    RedisCache cache(std::move(pool), {}, clock);
    const RoomKey key{.lease = 1, .room_id = 1, .epoch = "e"};
    (void)cache.fill(key, 1, test_envelopes(1, 1, 3));
    const auto found = cache.find(key, 3, {1, 3});
    EXPECT_THAT(found.value_or(std::vector<std::string>{}), IsEmpty()) << reply;
  }
}

}  // namespace
}  // namespace parley::backend
