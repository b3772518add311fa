#include "backend/store/retention.h"

#include <gtest/gtest.h>

namespace parley::backend {
namespace {

TEST(Retention, a_room_without_its_own_keeps_as_the_server_says) {
  const RetentionRules rules{.fallback = {.seconds = 60}};
  EXPECT_EQ(rules.in_force({}), Retention{.seconds = 60});
  EXPECT_EQ(rules.in_force({.seconds = 90, .messages = 5}), (Retention{.seconds = 90, .messages = 5}));
  EXPECT_EQ(RetentionRules().in_force({}), Retention{});
}

TEST(Retention, no_room_keeps_more_than_the_ceiling) {
  const RetentionRules rules{.fallback = {.messages = 50}, .ceiling = {.seconds = 100, .messages = 10}};
  EXPECT_EQ(rules.in_force({}), (Retention{.seconds = 100, .messages = 10}));
  EXPECT_EQ(rules.in_force({.seconds = 99, .messages = 9}), (Retention{.seconds = 99, .messages = 9}));
  EXPECT_EQ(rules.in_force({.seconds = 101, .messages = 11}), (Retention{.seconds = 100, .messages = 10}));
}

TEST(Retention, it_holds_everywhere_when_the_server_sets_something) {
  EXPECT_FALSE(RetentionRules().hold_everywhere());
  EXPECT_TRUE((RetentionRules{.fallback = {.messages = 1}}).hold_everywhere());
  EXPECT_TRUE((RetentionRules{.ceiling = {.seconds = 1}}).hold_everywhere());
}

TEST(Retention, due_is_what_is_too_old_or_too_many) {
  const auto line = due_line({.seconds = 10, .messages = 3}, 8, from_ms(50'000));
  EXPECT_TRUE(line.due(5, 49'000));
  EXPECT_FALSE(line.due(6, 49'000));
  EXPECT_TRUE(line.due(6, 39'999));
  EXPECT_FALSE(line.due(6, 40'000));
  const auto none = due_line({}, 8, from_ms(50'000));
  EXPECT_FALSE(none.due(1, -1'000'000));
  EXPECT_FALSE(due_line({.messages = 8}, 8, {}).due(1, 0));
}

}  // namespace
}  // namespace parley::backend
