#include "plugin/limits/token_bucket.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace parley::plugin {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

const SteadyTime kStart{hours(1)};

int taken(TokenBucket& bucket, const TokenBucket::Pace& pace, SteadyTime now) {
  int count = 0;
  while (count < 100'000 && bucket.try_take(pace, now)) ++count;
  return count;
}

TEST(TokenBucket, gives_its_burst_and_then_its_rate) {
  TokenBucket::Pace pace({.per_second = 10, .burst = 5});
  TokenBucket bucket;
  EXPECT_EQ(taken(bucket, pace, kStart), 5);
  EXPECT_EQ(taken(bucket, pace, kStart + milliseconds(99)), 0);
  EXPECT_EQ(taken(bucket, pace, kStart + milliseconds(100)), 1);
  EXPECT_EQ(taken(bucket, pace, kStart + milliseconds(350)), 2);
  EXPECT_EQ(taken(bucket, pace, kStart + hours(1)), 5);
}

TEST(TokenBucket, a_refusal_costs_nothing) {
  TokenBucket::Pace pace({.per_second = 1, .burst = 1});
  TokenBucket bucket;
  EXPECT_TRUE(bucket.try_take(pace, kStart));
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(bucket.try_take(pace, kStart + milliseconds(999)));
  EXPECT_TRUE(bucket.try_take(pace, kStart + seconds(1)));
}

TEST(TokenBucket, costs_are_counted_and_one_above_the_burst_takes_all) {
  TokenBucket::Pace pace({.per_second = 10, .burst = 10});
  TokenBucket bucket;
  EXPECT_TRUE(bucket.try_take(pace, kStart, 7));
  EXPECT_FALSE(bucket.try_take(pace, kStart, 4));
  EXPECT_TRUE(bucket.try_take(pace, kStart, 3));
  EXPECT_FALSE(bucket.try_take(pace, kStart + milliseconds(999), 4'000'000'000));
  EXPECT_TRUE(bucket.try_take(pace, kStart + seconds(1), 4'000'000'000));
  EXPECT_EQ(taken(bucket, pace, kStart + seconds(1)), 0);
}

TEST(TokenBucket, no_rate_is_no_limit) {
  for (double rate : {0.0, -1.0}) {
    TokenBucket::Pace pace({.per_second = rate, .burst = 1});
    TokenBucket bucket;
    EXPECT_TRUE(pace.unlimited());
    EXPECT_EQ(taken(bucket, pace, kStart), 100'000);
  }
}

TEST(TokenBucket, extreme_limits_do_not_overflow) {
  TokenBucket::Pace slow({.per_second = 1e-12, .burst = 1e12});
  TokenBucket bucket;
  EXPECT_EQ(taken(bucket, slow, kStart), 1);
  TokenBucket::Pace fast({.per_second = 1e12, .burst = 1e30});
  TokenBucket other;
  EXPECT_TRUE(other.try_take(fast, kStart, 4'000'000'000));
}

TEST(TokenBucket, small_and_fractional_rates) {
  TokenBucket::Pace pace({.per_second = 0.5, .burst = 0});
  TokenBucket bucket;
  EXPECT_EQ(taken(bucket, pace, kStart), 1);
  EXPECT_EQ(taken(bucket, pace, kStart + milliseconds(1999)), 0);
  EXPECT_EQ(taken(bucket, pace, kStart + seconds(2)), 1);
}

TEST(TokenBucket, an_earlier_time_adds_nothing) {
  TokenBucket::Pace pace({.per_second = 10, .burst = 2});
  TokenBucket bucket;
  EXPECT_EQ(taken(bucket, pace, kStart), 2);
  EXPECT_EQ(taken(bucket, pace, kStart - hours(1)), 0);
  EXPECT_EQ(taken(bucket, pace, kStart + milliseconds(100)), 1);
}

// The textbook's bucket: counts tokens, in nanoseconds of the rate.
TEST(TokenBucket, agrees_with_counting_tokens) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  constexpr std::int64_t kPerToken_ns = 1'000'000, kBurst = 20;
  TokenBucket::Pace pace({.per_second = 1000, .burst = kBurst});
  TokenBucket bucket;
  std::int64_t worth_ns = kBurst * kPerToken_ns;
  SteadyTime now = kStart;
  for (int i = 0; i < 100'000; ++i) {
    std::int64_t step_ns = random() % 3'000'000;
    now += nanoseconds(step_ns);
    worth_ns = std::min(kBurst * kPerToken_ns, worth_ns + step_ns);
    std::uint32_t cost = 1 + random() % 4;
    bool fits = worth_ns >= cost * kPerToken_ns;
    if (fits) worth_ns -= cost * kPerToken_ns;
    ASSERT_EQ(bucket.try_take(pace, now, cost), fits) << i;
  }
}

TEST(RateLimiter, keys_do_not_share) {
  RateLimiter<> limiter({.per_second = 1, .burst = 2});
  EXPECT_TRUE(limiter.try_take(std::string_view("alice"), kStart));
  EXPECT_TRUE(limiter.try_take(std::string_view("alice"), kStart));
  EXPECT_FALSE(limiter.try_take(std::string_view("alice"), kStart));
  EXPECT_TRUE(limiter.try_take(std::string_view("bob"), kStart));
  RateLimiter<std::uint64_t> by_room({.per_second = 1, .burst = 1});
  EXPECT_TRUE(by_room.try_take(7U, kStart));
  EXPECT_FALSE(by_room.try_take(7U, kStart));
  EXPECT_TRUE(by_room.try_take(8U, kStart));
}

TEST(RateLimiter, memory_is_bounded_and_the_busiest_are_remembered) {
  RateLimiter<std::uint64_t> limiter({.per_second = 1, .burst = 1}, 10);
  EXPECT_TRUE(limiter.try_take(0U, kStart));
  for (std::uint64_t key = 1; key < 1000; ++key) {
    EXPECT_TRUE(limiter.try_take(key, kStart));
    EXPECT_FALSE(limiter.try_take(0U, kStart));
  }
  EXPECT_EQ(limiter.size(), 10U);
  EXPECT_TRUE(limiter.try_take(1U, kStart));  // forgotten: a full bucket
}

TEST(RateLimiter, without_a_limit_nothing_is_kept) {
  RateLimiter<> limiter({.per_second = 0, .burst = 1});
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(limiter.try_take(std::string_view("alice"), kStart));
  EXPECT_EQ(limiter.size(), 0U);
}

}  // namespace
}  // namespace parley::plugin
