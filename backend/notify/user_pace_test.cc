#include "backend/notify/user_pace.h"

#include <gtest/gtest.h>

namespace parley::backend {
namespace {

using namespace std::chrono_literals;

const WallTime kNow{std::chrono::milliseconds(1'795'314'673'123)};

TEST(UserPace, lets_a_minutes_worth_through_at_once_and_then_one_at_a_time) {
  UserPace pace(6);
  for (int i = 0; i < 6; ++i) EXPECT_FALSE(pace.take("bo", kNow)) << i;
  EXPECT_EQ(pace.take("bo", kNow), kNow + 10s);
  EXPECT_FALSE(pace.take("bo", kNow + 10s));
  EXPECT_EQ(pace.take("bo", kNow + 10s), kNow + 20s);
  EXPECT_FALSE(pace.take("al", kNow)) << "others have theirs";
}

TEST(UserPace, of_zero_is_none) {
  UserPace pace(0);
  for (int i = 0; i < 1'000; ++i) EXPECT_FALSE(pace.take("bo", kNow));
}

TEST(UserPace, forgets_who_is_through_when_there_are_too_many) {
  UserPace pace(1);
  for (std::size_t i = 0; i < UserPace::kUsersMax; ++i) EXPECT_FALSE(pace.take(std::to_string(i), kNow));
  EXPECT_FALSE(pace.take("bo", kNow));
  EXPECT_FALSE(pace.take("bo", kNow)) << "not limited: too many are under way";
  EXPECT_FALSE(pace.take("bo", kNow + 61s));
  EXPECT_TRUE(pace.take("bo", kNow + 61s)) << "the others are through";
}

}  // namespace
}  // namespace parley::backend
