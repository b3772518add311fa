#include "base/backoff.h"

#include <gtest/gtest.h>

#include <limits>

namespace parley {
namespace {

using namespace std::chrono_literals;

std::uint64_t lowest() {
  return 0;
}
// Draws the longest pause there is: one less than a multiple of every number of choices used here.
RandomBits longest(std::chrono::milliseconds least, std::chrono::milliseconds first,
                   std::chrono::milliseconds max) {
  return [bound = first, least, max]() mutable {
    const auto last = static_cast<std::uint64_t>((std::min(bound, max) - least).count());
    bound *= 2;
    return last;
  };
}

TEST(Backoff, doubles_its_bound_up_to_the_largest) {
  const BackoffOptions options{.least = 1ms, .first = 100ms, .max = 500ms};
  Backoff backoff(options, longest(options.least, options.first, options.max));
  EXPECT_EQ(backoff.next(), 100ms);
  EXPECT_EQ(backoff.next(), 200ms);
  EXPECT_EQ(backoff.next(), 400ms);
  EXPECT_EQ(backoff.next(), 500ms);
  EXPECT_EQ(backoff.next(), 500ms);
}

TEST(Backoff, jitters_down_to_the_least) {
  Backoff backoff({.least = 7ms, .first = 100ms, .max = 500ms}, lowest);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(backoff.next(), 7ms);
}

TEST(Backoff, begins_again_after_a_success) {
  const BackoffOptions options{.least = 1ms, .first = 10ms, .max = 1s};
  Backoff backoff(options, [] { return std::numeric_limits<std::uint64_t>::max(); });
  for (int i = 0; i < 20; ++i) (void)backoff.next();
  backoff.reset();
  EXPECT_LE(backoff.next(), 10ms);
  EXPECT_LE(backoff.next(), 20ms);
}

TEST(Backoff, never_grows_beyond_its_bound_however_often_it_is_asked) {
  Backoff backoff({.least = 1ms, .first = 100ms, .max = 5s});
  for (int i = 0; i < 1'000; ++i) {
    const auto pause = backoff.next();
    EXPECT_GE(pause, 1ms);
    EXPECT_LE(pause, 5s);
  }
}

TEST(Backoff, a_least_pause_above_the_bound_is_the_bound) {
  Backoff backoff({.least = 1s, .first = 20ms, .max = 30ms}, lowest);
  EXPECT_EQ(backoff.next(), 20ms);
  EXPECT_EQ(backoff.next(), 30ms);
}

TEST(Backoff, two_with_their_own_randomness_do_not_stay_together) {
  const BackoffOptions options{.least = 1ms, .first = 1h, .max = 24h};
  Backoff one(options), other(options);
  int apart = 0;
  for (int i = 0; i < 10; ++i) apart += one.next() != other.next();
  EXPECT_GE(apart, 9);
}

}  // namespace
}  // namespace parley
