// What every Cache does. Over Redis when PARLEY_TEST_REDIS names one (redis://:password@127.0.0.1:port/0).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <thread>

#include "backend/cache/cache_testing.h"
#include "backend/cache/make_cache.h"
#include "base/crypto.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr TailLimits kTail{.messages = 20, .bytes = 4'000};

struct Factory {
  std::string name;
  std::string url;
};
void PrintTo(const Factory& factory, std::ostream* out) {
  *out << factory.name;
}

std::vector<Factory> factories() {
  const char* redis = std::getenv("PARLEY_TEST_REDIS");
  return {{"memory", "memory://"}, {"redis", redis ? redis : ""}};
}

class CacheContract : public testing::TestWithParam<Factory> {
 protected:
  void SetUp() override {
    if (GetParam().url.empty()) GTEST_SKIP() << "PARLEY_TEST_REDIS names no Redis";
    cache_ = make();
  }
  std::unique_ptr<Cache> make() {
    auto made = make_cache({.url = GetParam().url,
                            .installation = "test-" + random_id(12),
                            .timeout = std::chrono::seconds(5),
                            .tail = kTail},
                           clock_, [](LogLevel, std::string_view) {});
    if (!made) throw std::runtime_error(made.error().message);
    return std::move(made->cache);
  }

  RoomKey key(std::uint64_t room_id = 5) const {
    return {.lease = lease_, .room_id = room_id, .epoch = "e1"};
  }
  void fill(std::uint64_t room_id, std::uint64_t first, std::uint64_t last) {
    ASSERT_TRUE(cache_->fill(key(room_id), first, test_envelopes(room_id, first, last)));
  }
  std::vector<std::string> find(const RoomKey& key, std::uint64_t newest, SeqRange range) {
    auto found = cache_->find(key, newest, range);
    EXPECT_TRUE(found) << found.error().message;
    return found.value_or(std::vector<std::string>{});
  }
  std::vector<std::string> find(std::uint64_t room_id, std::uint64_t newest, SeqRange range) {
    return find(key(room_id), newest, range);
  }
  void extend(const TestRecords& records) { ASSERT_TRUE(cache_->extend(lease_, records.span())); }

  SystemClock clock_;
  const std::uint64_t lease_ = random_u64() | 1;
  std::unique_ptr<Cache> cache_;
};

TEST_P(CacheContract, has_nothing_of_a_room_never_filled) {
  EXPECT_THAT(find(5, 10, {1, 10}), IsEmpty());
}

TEST_P(CacheContract, gives_what_was_filled_by_number) {
  fill(5, 11, 15);
  EXPECT_EQ(find(5, 15, {11, 15}), test_envelopes(5, 11, 15));
  EXPECT_EQ(find(5, 15, {12, 13}), test_envelopes(5, 12, 13));
  EXPECT_EQ(find(5, 15, {15, 15}), test_envelopes(5, 15, 15));
}

TEST_P(CacheContract, gives_as_many_before_the_last_as_it_has) {
  fill(5, 11, 15);
  EXPECT_EQ(find(5, 15, {1, 15}), test_envelopes(5, 11, 15));
  EXPECT_EQ(find(5, 15, {1, 12}), test_envelopes(5, 11, 12));
  EXPECT_THAT(find(5, 15, {1, 10}), IsEmpty());
}

TEST_P(CacheContract, gives_nothing_when_it_lacks_the_last) {
  fill(5, 11, 15);
  EXPECT_THAT(find(5, 16, {11, 16}), IsEmpty());
  EXPECT_THAT(find(5, 500, {480, 500}), IsEmpty());
}

TEST_P(CacheContract, a_wrong_hint_of_the_newest_is_harmless) {
  fill(5, 11, 15);
  for (const std::uint64_t newest : {1, 5, 13, 14, 16, 17, 1000}) {
    const auto found = find(5, newest, {12, 13});
    EXPECT_THAT(found, testing::AnyOf(IsEmpty(), test_envelopes(5, 12, 13), test_envelopes(5, 13, 13)));
  }
  EXPECT_EQ(find(5, 14, {11, 14}), test_envelopes(5, 11, 14)) << "one was stored after the caller had asked";
}

TEST_P(CacheContract, gives_every_byte_back) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  const std::vector<std::string> odd{"", bytes, "{\"a\":\"\u00e9\r\n\"}"};
  ASSERT_TRUE(cache_->fill(key(), 1, odd));
  EXPECT_EQ(find(5, 3, {1, 3}), odd);
}

TEST_P(CacheContract, another_lease_epoch_or_room_has_nothing) {
  fill(5, 11, 15);
  auto other = key();
  other.lease ^= 2;
  EXPECT_THAT(find(other, 15, {11, 15}), IsEmpty());
  other = key();
  other.epoch = "e2";
  EXPECT_THAT(find(other, 15, {11, 15}), IsEmpty());
  EXPECT_THAT(find(6, 15, {11, 15}), IsEmpty());
  EXPECT_EQ(find(5, 15, {11, 15}), test_envelopes(5, 11, 15));
}

TEST_P(CacheContract, another_installation_has_nothing) {
  fill(5, 11, 15);
  auto other = make();
  EXPECT_THAT(*other->find(key(), 15, {11, 15}), IsEmpty());
}

TEST_P(CacheContract, stored_messages_come_after_those_it_has) {
  fill(5, 11, 15);
  extend(TestRecords().add(5, 16).add(5, 17));
  extend(TestRecords().add(5, 18));
  EXPECT_EQ(find(5, 18, {11, 18}), test_envelopes(5, 11, 18));
}

TEST_P(CacheContract, rooms_extended_together_do_not_mix) {
  fill(5, 1, 3);
  fill(6, 7, 7);
  extend(TestRecords().add(6, 8).add(5, 4).add(6, 9).add(5, 5));
  EXPECT_EQ(find(5, 5, {1, 5}), test_envelopes(5, 1, 5));
  EXPECT_EQ(find(6, 9, {7, 9}), test_envelopes(6, 7, 9));
}

TEST_P(CacheContract, a_room_it_has_nothing_of_is_not_begun_by_extending) {
  extend(TestRecords().add(5, 1));
  EXPECT_THAT(find(5, 1, {1, 1}), IsEmpty());
}

TEST_P(CacheContract, another_leases_messages_extend_nothing) {
  fill(5, 11, 15);
  ASSERT_TRUE(cache_->extend(lease_ ^ 2, TestRecords().add(5, 16).span()));
  EXPECT_THAT(find(5, 16, {16, 16}), IsEmpty());
}

TEST_P(CacheContract, what_comes_after_a_hole_is_not_joined_to_what_was_before) {
  fill(5, 11, 15);
  extend(TestRecords().add(5, 18).add(5, 19));
  const auto found = find(5, 19, {11, 19});
  EXPECT_THAT(found, testing::AnyOf(IsEmpty(), test_envelopes(5, 18, 19)));
}

TEST_P(CacheContract, what_came_twice_is_given_once) {
  fill(5, 11, 15);
  extend(TestRecords().add(5, 16));
  extend(TestRecords().add(5, 16));
  const auto found = find(5, 16, {11, 16});
  EXPECT_THAT(found, testing::AnyOf(IsEmpty(), test_envelopes(5, 16, 16), test_envelopes(5, 11, 16)));
}

TEST_P(CacheContract, filling_again_replaces) {
  fill(5, 11, 15);
  fill(5, 14, 20);
  EXPECT_EQ(find(5, 20, {1, 20}), test_envelopes(5, 14, 20));
}

TEST_P(CacheContract, rooms_that_are_dropped_are_gone_and_others_stay) {
  fill(5, 1, 3);
  fill(6, 1, 3);
  const std::vector<std::uint64_t> rooms = {5, 7};
  ASSERT_TRUE(cache_->drop(lease_, rooms));
  EXPECT_THAT(find(5, 3, {1, 3}), IsEmpty());
  EXPECT_EQ(find(6, 3, {1, 3}).size(), 3u);
  extend(TestRecords().add(5, 4));
  EXPECT_THAT(find(5, 4, {4, 4}), IsEmpty());
}

TEST_P(CacheContract, what_it_was_filled_with_is_not_extended_by_what_came_before) {
  fill(5, 1, 5);
  extend(TestRecords().add(5, 3, 50).add(5, 6));
  EXPECT_EQ(find(5, 6, {1, 6}), test_envelopes(5, 1, 6));
  EXPECT_EQ(find(5, 6, {3, 3}), test_envelopes(5, 3, 3));
}

TEST_P(CacheContract, keeps_the_newest_of_a_room_up_to_its_limit) {
  fill(5, 1, 50);
  EXPECT_EQ(find(5, 50, {1, 50}), test_envelopes(5, 31, 50));
  extend(TestRecords().add_range(5, 51, 60));
  EXPECT_EQ(find(5, 60, {1, 60}), test_envelopes(5, 41, 60));
  extend(TestRecords().add_range(5, 61, 200));
  const auto found = find(5, 200, {150, 200});
  EXPECT_THAT(found, testing::AnyOf(IsEmpty(), test_envelopes(5, 181, 200)));
}

TEST_P(CacheContract, keeps_no_more_bytes_of_a_room_than_twice_its_limit) {
  fill(5, 1, 3);
  for (std::uint64_t seq = 4; seq < 24; ++seq) extend(TestRecords().add(5, seq, 1'000));
  std::size_t bytes = 0;
  for (const auto& envelope : find(5, 23, {1, 23})) bytes += envelope.size();
  EXPECT_LE(bytes, 2 * kTail.bytes);
  const std::vector<std::string> large{std::string(kTail.bytes + 1, 'x'), "small"};
  ASSERT_TRUE(cache_->fill(key(), 24, large));
  EXPECT_THAT(find(5, 25, {24, 25}), ElementsAre("small"));
}

TEST_P(CacheContract, a_message_larger_than_a_rooms_limit_is_not_kept) {
  ASSERT_TRUE(cache_->fill(key(), 1, std::vector{std::string(kTail.bytes + 1, 'x')}));
  EXPECT_THAT(find(5, 1, {1, 1}), IsEmpty());
}

TEST_P(CacheContract, a_counter_takes_its_burst_and_then_waits) {
  const Rate slow{.per_s = 1, .burst = 3};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(cache_->take("alice", slow)) << i;
  EXPECT_FALSE(cache_->take("alice", slow));
  EXPECT_TRUE(cache_->take("bob", slow));
}

TEST_P(CacheContract, a_counter_is_paid_for_with_time) {
  const Rate fast{.per_s = 200, .burst = 1};
  EXPECT_TRUE(cache_->take("carol", fast));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  bool again = false;
  while (!again && std::chrono::steady_clock::now() < deadline) again = cache_->take("carol", fast);
  EXPECT_TRUE(again);
}

TEST_P(CacheContract, many_threads_get_what_is_right) {
  constexpr std::uint64_t kRooms = 4, kMessages = 200;
  std::atomic<int> wrong = 0, found_some = 0;
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t room = 1; room <= kRooms; ++room) {
      fill(room, 1, 1);
      threads.emplace_back([this, room] {
        for (std::uint64_t seq = 2; seq <= kMessages; ++seq)
          (void)cache_->extend(lease_, TestRecords().add(room, seq).span());
      });
      threads.emplace_back([&, room] {
        for (std::uint64_t seq = 1; seq <= kMessages; ++seq) {
          const auto found = cache_->find(key(room), seq, {seq, seq});
          if (!found || found->empty()) continue;
          ++found_some;
          wrong += *found != test_envelopes(room, seq, seq);
        }
      });
    }
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(find(1, kMessages, {kMessages - 19, kMessages}), test_envelopes(1, kMessages - 19, kMessages));
}

TEST_P(CacheContract, gives_values_by_name_until_they_expire) {
  const std::vector<NamedValue> put{{"a", "1"}, {"b", std::string("two\0\r\n", 6)}};
  ASSERT_TRUE(cache_->put_values(put, std::chrono::minutes(1)));
  const std::vector<std::string> names{"b", "c", "a"};
  EXPECT_THAT(*cache_->values(names), ElementsAre(std::string("two\0\r\n", 6), std::nullopt, "1"));
  ASSERT_TRUE(cache_->put_values(std::vector<NamedValue>{{"a", "newer"}}, std::chrono::milliseconds(1)));
  const std::vector<std::string> a{"a"};
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (cache_->values(a)->front() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  EXPECT_THAT(*cache_->values(a), ElementsAre(std::nullopt));
  EXPECT_THAT(*cache_->values({}), IsEmpty());
  EXPECT_TRUE(cache_->put_values({}, std::chrono::minutes(1)));
}

INSTANTIATE_TEST_SUITE_P(All, CacheContract, testing::ValuesIn(factories()),
                         [](const auto& info) { return info.param.name; });

TEST(MemoryCacheBounds, rooms_longest_unused_go_first) {
  FakeClock clock;
  auto made = make_cache({.memory_bytes = 10'000, .tail = kTail}, clock, {});
  auto& cache = *made->cache;
  const auto key = [](std::uint64_t room) { return RoomKey{.lease = 1, .room_id = room, .epoch = "e"}; };
  const std::vector<std::string> kilobyte{std::string(1'000, 'x')};
  for (std::uint64_t room = 1; room <= 20; ++room) {
    ASSERT_TRUE(cache.fill(key(room), 1, kilobyte));
    EXPECT_EQ(cache.find(key(1), 1, {1, 1})->size(), 1u) << "used all the time";
  }
  std::size_t kept = 0;
  for (std::uint64_t room = 1; room <= 20; ++room) kept += cache.find(key(room), 1, {1, 1})->size();
  EXPECT_EQ(kept, 7u);
  EXPECT_EQ(cache.find(key(20), 1, {1, 1})->size(), 1u);
  EXPECT_EQ(cache.find(key(2), 1, {1, 1})->size(), 0u);
}

}  // namespace
}  // namespace parley::backend
