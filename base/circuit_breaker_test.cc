#include "base/circuit_breaker.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace parley {
namespace {

using namespace std::chrono_literals;
using enum BreakerState;

class CircuitBreakerTest : public testing::Test {
 protected:
  static BreakerOptions options() {
    return {.failures = 3,
            .window = 10,
            .share_percent = 50,
            .probes = 2,
            .pause = {.least = 100ms, .first = 100ms, .max = 400ms}};
  }
  bool call(bool works) {
    auto permit = breaker_.enter();
    if (!permit) return false;
    works ? permit->succeeded() : permit->failed();
    return true;
  }
  void open() {
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(call(false));
    ASSERT_EQ(state(), BreakerState::open);
  }
  BreakerState state() const { return breaker_.reading().state; }

  FakeClock clock_;
  CircuitBreaker breaker_{options(), clock_,
                          [] { return 0; }};  // no jitter: every pause is the least, 100 ms
};

TEST_F(CircuitBreakerTest, is_closed_at_first) {
  EXPECT_EQ(state(), closed);
  EXPECT_TRUE(call(true));
  EXPECT_EQ(breaker_.reading().opened, 0u);
}

TEST_F(CircuitBreakerTest, opens_after_failures_in_a_row_and_then_makes_no_call) {
  EXPECT_TRUE(call(false));
  EXPECT_TRUE(call(false));
  EXPECT_EQ(state(), closed);
  EXPECT_TRUE(call(false));
  EXPECT_EQ(state(), BreakerState::open);
  EXPECT_FALSE(call(true));
  EXPECT_FALSE(call(true));
  EXPECT_EQ(breaker_.reading().refused, 2u);
}

TEST_F(CircuitBreakerTest, a_success_between_failures_begins_the_row_anew) {
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(call(i % 2 == 0));
  EXPECT_TRUE(call(false));
  EXPECT_EQ(state(), closed);
}

TEST_F(CircuitBreakerTest, opens_at_the_share_of_failures_though_none_follow_each_other) {
  for (int i = 0; i < 9; ++i) EXPECT_TRUE(call(i % 2 == 1));  // 5 of 9 failed: the window is not full
  EXPECT_EQ(state(), closed);
  EXPECT_TRUE(call(true));
  EXPECT_EQ(state(), closed) << "a success opens nothing";
  EXPECT_TRUE(call(false));
  EXPECT_EQ(state(), BreakerState::open);
}

TEST_F(CircuitBreakerTest, a_share_below_the_bound_keeps_it_closed) {
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(call(i % 5 > 1));  // two of five
  EXPECT_EQ(state(), closed);
}

TEST_F(CircuitBreakerTest, tries_again_after_the_pause_with_so_many_probes_at_once) {
  open();
  clock_.advance(99ms);
  EXPECT_TRUE(breaker_.resting());
  EXPECT_FALSE(breaker_.enter());
  clock_.advance(1ms);
  EXPECT_FALSE(breaker_.resting());
  auto one = breaker_.enter(), two = breaker_.enter();
  ASSERT_TRUE(one && two);
  EXPECT_EQ(state(), half_open);
  EXPECT_FALSE(breaker_.enter());
  one->succeeded();
  EXPECT_EQ(state(), half_open);
  EXPECT_FALSE(breaker_.enter()) << "as many were tried as are allowed";
  two->succeeded();
  EXPECT_EQ(state(), closed);
  EXPECT_TRUE(call(true));
}

TEST_F(CircuitBreakerTest, a_failed_probe_opens_it_again) {
  open();
  clock_.advance(100ms);
  EXPECT_TRUE(call(true));
  EXPECT_TRUE(call(false));
  EXPECT_EQ(state(), BreakerState::open);
  EXPECT_FALSE(call(true));
  const auto reading = breaker_.reading();
  EXPECT_EQ(reading.opened, 2u);
  EXPECT_EQ(reading.half_opened, 1u);
  EXPECT_EQ(reading.closed, 0u);
}

TEST_F(CircuitBreakerTest, a_probe_that_ends_untold_gives_its_place_back) {
  open();
  clock_.advance(100ms);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(breaker_.enter());
  EXPECT_EQ(state(), half_open);
}

TEST_F(CircuitBreakerTest, a_call_of_an_earlier_time_says_nothing_about_this_one) {
  auto slow_failure = breaker_.enter(), slow_success = breaker_.enter();
  open();
  slow_success->succeeded();
  EXPECT_EQ(state(), BreakerState::open);
  clock_.advance(100ms);
  auto probe = breaker_.enter();
  ASSERT_TRUE(probe);
  slow_failure->failed();
  EXPECT_EQ(state(), half_open);
}

TEST(CircuitBreaker, pauses_grow_while_probes_fail_and_begin_anew_after_a_success) {
  FakeClock clock;
  const BackoffOptions pause{.least = 1ms, .first = 100ms, .max = 400ms};
  std::vector<std::uint64_t> draws{99, 199, 399, 399, 99};  // each the longest there is
  CircuitBreaker breaker({.failures = 1, .pause = pause}, clock,
                         [&, i = 0u]() mutable { return draws.at(i++); });
  breaker.enter()->failed();
  for (const auto expected : {100ms, 200ms, 400ms}) {
    clock.advance(expected - 1ms);
    EXPECT_FALSE(breaker.enter());
    clock.advance(1ms);
    auto probe = breaker.enter();
    ASSERT_TRUE(probe);
    probe->failed();
  }
  clock.advance(400ms);
  breaker.enter()->succeeded();
  EXPECT_EQ(breaker.reading().state, closed);
  breaker.enter()->failed();
  clock.advance(100ms);
  EXPECT_TRUE(breaker.enter());
}

TEST_F(CircuitBreakerTest, call_counts_what_says_that_the_dependency_is_sick_and_nothing_else) {
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(breaker_.call([]() -> Result<> { return fail(Errc::not_found, ""); }).error().code,
              Errc::not_found);
  EXPECT_EQ(state(), closed);
  for (const auto code : {Errc::unavailable, Errc::timeout, Errc::in_doubt})
    EXPECT_EQ(breaker_.call([&]() -> Result<> { return fail(code, ""); }).error().code, code);
  EXPECT_EQ(state(), BreakerState::open);
  bool called = false;
  const auto refused = breaker_.call([&]() -> Result<> {
    called = true;
    return {};
  });
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  EXPECT_FALSE(called);
}

TEST(CircuitBreaker, many_threads_get_no_more_probes_than_allowed) {
  FakeClock clock;
  CircuitBreaker breaker({.failures = 1, .probes = 3}, clock);
  breaker.enter()->failed();
  clock.advance(1h);
  std::atomic<int> granted = 0;
  std::vector<std::optional<CircuitBreaker::Permit>> held;
  std::mutex mutex;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i)
      threads.emplace_back([&] {
        for (int j = 0; j < 100; ++j)
          if (auto permit = breaker.enter()) {
            ++granted;
            std::lock_guard lock(mutex);
            held.push_back(std::move(permit));
          }
      });
  }
  EXPECT_EQ(granted, 3);
  EXPECT_EQ(breaker.reading().refused, 797u);
}

}  // namespace
}  // namespace parley
