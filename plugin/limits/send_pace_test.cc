#include "plugin/limits/send_pace.h"

#include <gtest/gtest.h>

namespace parley::plugin {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(SendPace, tells_how_long_is_left_until_the_next) {
  SendPace pace;
  FakeClock clock;
  EXPECT_EQ(pace.wait("alice", 1, seconds(10), clock.steady()), seconds(0));
  pace.sent("alice", 1, clock.steady());
  EXPECT_EQ(pace.wait("alice", 1, seconds(10), clock.steady()), seconds(10));
  clock.advance(milliseconds(9'001));
  EXPECT_EQ(pace.wait("alice", 1, seconds(10), clock.steady()), seconds(1));
  clock.advance(milliseconds(999));
  EXPECT_EQ(pace.wait("alice", 1, seconds(10), clock.steady()), seconds(0));
  pace.sent("alice", 1, clock.steady());
  EXPECT_EQ(pace.wait("alice", 1, seconds(10), clock.steady()), seconds(10));
}

TEST(SendPace, users_and_rooms_do_not_wait_for_each_other) {
  SendPace pace;
  FakeClock clock;
  pace.sent("alice", 1, clock.steady());
  EXPECT_EQ(pace.wait("alice", 2, seconds(10), clock.steady()), seconds(0));
  EXPECT_EQ(pace.wait("bob", 1, seconds(10), clock.steady()), seconds(0));
}

TEST(SendPace, the_pair_not_seen_for_longest_is_forgotten) {
  SendPace pace(2);
  FakeClock clock;
  for (const char* user : {"alice", "bob", "carol"}) pace.sent(user, 1, clock.steady());
  EXPECT_EQ(pace.wait("alice", 1, seconds(10), clock.steady()), seconds(0));
  EXPECT_EQ(pace.wait("carol", 1, seconds(10), clock.steady()), seconds(10));
}

}  // namespace
}  // namespace parley::plugin
