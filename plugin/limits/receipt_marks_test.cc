#include "plugin/limits/receipt_marks.h"

#include <gtest/gtest.h>

namespace parley::plugin {
namespace {

constexpr auto kForward = ReceiptMarks::Direction::forward;
constexpr auto kBackward = ReceiptMarks::Direction::backward;

TEST(ReceiptMarks, forward_and_repeated_pass_backward_does_not) {
  ReceiptMarks marks;
  EXPECT_EQ(marks.check("alice", 1, {12, 10}), kForward);
  EXPECT_EQ(marks.check("alice", 1, {12, 10}), kForward);
  EXPECT_EQ(marks.check("alice", 1, {11, 9}), kBackward);
  EXPECT_EQ(marks.check("alice", 1, {12, 11}), kForward);
  EXPECT_EQ(marks.check("alice", 1, {11, 10}), kBackward);
}

TEST(ReceiptMarks, one_that_is_behind_in_one_mark_alone_passes) {
  ReceiptMarks marks;
  EXPECT_EQ(marks.check("alice", 1, {12, 10}), kForward);
  EXPECT_EQ(marks.check("alice", 1, {14, 5}), kForward);
  EXPECT_EQ(marks.check("alice", 1, {11, 11}), kForward);
  EXPECT_EQ(marks.check("alice", 1, {14, 5}), kForward);
  EXPECT_EQ(marks.check("alice", 1, {13, 10}), kBackward);
}

TEST(ReceiptMarks, what_is_not_given_neither_moves_nor_counts) {
  ReceiptMarks marks;
  EXPECT_EQ(marks.check("alice", 1, {12, 0}), kForward);
  EXPECT_EQ(marks.check("alice", 1, {0, 3}), kForward);
  EXPECT_EQ(marks.check("alice", 1, {0, 0}), kForward);
  EXPECT_EQ(marks.check("alice", 1, {0, 2}), kBackward);
  EXPECT_EQ(marks.check("alice", 1, {11, 0}), kBackward);
}

TEST(ReceiptMarks, users_and_rooms_do_not_share) {
  ReceiptMarks marks;
  EXPECT_EQ(marks.check("alice", 1, {12, 12}), kForward);
  EXPECT_EQ(marks.check("bob", 1, {1, 1}), kForward);
  EXPECT_EQ(marks.check("alice", 256, {1, 1}), kForward);
  EXPECT_EQ(marks.check("alice", 1, {1, 1}), kBackward);
}

TEST(ReceiptMarks, a_forgotten_pair_lets_a_backward_one_pass) {
  ReceiptMarks marks(2);
  EXPECT_EQ(marks.check("alice", 1, {12, 12}), kForward);
  EXPECT_EQ(marks.check("alice", 2, {12, 12}), kForward);
  EXPECT_EQ(marks.check("alice", 3, {12, 12}), kForward);
  EXPECT_EQ(marks.size(), 2U);
  EXPECT_EQ(marks.check("alice", 1, {1, 1}), kForward);
}

}  // namespace
}  // namespace parley::plugin
