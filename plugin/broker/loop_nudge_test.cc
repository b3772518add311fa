#include "plugin/broker/loop_nudge.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <cerrno>
#include <csignal>

namespace parley::plugin {
namespace {

// As the broker's loop waits: for nothing, and longer than any test.
bool nudged() {
  return ::poll(nullptr, 0, 60'000) == -1 && errno == EINTR;
}

TEST(LoopNudgeTest, turns_the_loop_as_often_as_a_packet_has_pieces) {
  LoopNudge nudge;
  nudge.sending(10 * LoopNudge::kChunk);
  for (int turn = 0; turn < 12; ++turn) {
    ASSERT_TRUE(nudged());
    nudge.turned();
  }
}

TEST(LoopNudgeTest, leaves_a_loop_alone_that_sends_nothing_large) {
  LoopNudge nudge;
  nudge.sending(LoopNudge::kChunk - 1);
  EXPECT_EQ(::poll(nullptr, 0, 50), 0);
  nudge.sending(LoopNudge::kChunk);
  for (int turn = 0; turn < 3; ++turn) nudge.turned();
  EXPECT_EQ(::poll(nullptr, 0, 50), 0);
}

TEST(LoopNudgeTest, what_it_is_asked_for_is_bounded) {
  LoopNudge nudge;
  for (int i = 0; i < 1000; ++i) nudge.sending(1 << 20);
  for (std::size_t turn = 0; turn < LoopNudge::kMostTurns; ++turn) nudge.turned();
  EXPECT_EQ(::poll(nullptr, 0, 50), 0);
}

TEST(LoopNudgeTest, takes_no_signal_that_somebody_else_handles) {
  std::signal(SIGURG, [](int) {});
  struct sigaction before {};
  sigaction(SIGURG, nullptr, &before);
  {
    LoopNudge nudge;
    nudge.sending(1 << 20);
    EXPECT_EQ(::poll(nullptr, 0, 50), 0);
  }
  struct sigaction after {};
  sigaction(SIGURG, nullptr, &after);
  EXPECT_EQ(before.sa_handler, after.sa_handler);
  std::signal(SIGURG, SIG_DFL);
}

TEST(LoopNudgeTest, gives_the_signal_back) {
  { LoopNudge nudge; }
  struct sigaction now {};
  sigaction(SIGURG, nullptr, &now);
  EXPECT_EQ(now.sa_handler, SIG_DFL);
}

}  // namespace
}  // namespace parley::plugin
