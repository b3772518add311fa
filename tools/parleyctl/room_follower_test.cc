#include "tools/parleyctl/room_follower.h"

#include <gtest/gtest.h>

#include <random>

#include "tools/parleyctl/fake_room.h"

namespace parley::ctl {
namespace {

using namespace std::chrono_literals;

struct Following {
  explicit Following(std::uint64_t messages) : room(messages) {}

  Json live(std::uint64_t seq, std::string epoch = "e") {
    return Json{{"seq", seq}, {"epoch", std::move(epoch)}};
  }
  void turn() {
    clock.advance(300ms);
    follower.heal();
  }

  FakeRoom room;
  FakeClock clock;
  std::vector<std::uint64_t> given;
  std::vector<std::string> notes;
  RoomFollower follower{room,
                        "lab",
                        clock,
                        {[this](const Json& m) { given.push_back(m.at("seq").get<std::uint64_t>()); },
                         [this](const std::string& note) { notes.push_back(note); }}};
};

using Seqs = std::vector<std::uint64_t>;

TEST(RoomFollower, begins_with_what_comes_next) {
  Following f(5);
  ASSERT_TRUE(f.follower.start(std::nullopt).has_value());
  f.follower.live(f.live(5));
  f.follower.live(f.live(6));
  f.follower.live(f.live(6));
  f.follower.live(f.live(7));
  EXPECT_EQ(f.given, (Seqs{6, 7}));
}

TEST(RoomFollower, since_gives_what_was_before_over_all_pages) {
  Following f(1200);
  ASSERT_TRUE(f.follower.start(10).has_value());
  EXPECT_EQ(f.given.size(), 1190u);
  EXPECT_EQ(f.given.front(), 11u);
  EXPECT_EQ(f.given.back(), 1200u);
}

TEST(RoomFollower, what_has_expired_is_told_and_is_no_hole) {
  Following f(10);
  f.room.expired = 7;
  ASSERT_TRUE(f.follower.start(2).has_value());
  EXPECT_EQ(f.given, (Seqs{8, 9, 10}));
  EXPECT_EQ(f.notes, std::vector<std::string>{"messages 3 to 7 have expired"});
}

TEST(RoomFollower, a_hole_is_filled_from_history) {
  Following f(5);
  ASSERT_TRUE(f.follower.start(std::nullopt).has_value());
  f.follower.live(f.live(9));
  EXPECT_TRUE(f.given.empty());
  f.room.messages = FakeRoom(8).messages;  // the store has caught up but for the last
  f.turn();
  EXPECT_EQ(f.given, (Seqs{6, 7, 8, 9}));
  EXPECT_TRUE(f.notes.empty());
}

TEST(RoomFollower, a_hole_nobody_can_fill_is_told_and_passed_after_ten_seconds) {
  Following f(5);
  ASSERT_TRUE(f.follower.start(std::nullopt).has_value());
  f.follower.live(f.live(9));
  f.follower.live(f.live(10));
  for (auto waited = 0ms; waited < 9s; waited += 300ms) f.turn();
  EXPECT_TRUE(f.given.empty());
  for (auto waited = 0ms; waited < 2s; waited += 300ms) f.turn();
  EXPECT_EQ(f.given, (Seqs{9, 10}));
  ASSERT_EQ(f.notes.size(), 1u);
  EXPECT_EQ(f.notes[0], "messages 6 to 8 can't be had just now");
}

TEST(RoomFollower, history_is_not_asked_when_nothing_is_missing) {
  Following f(5);
  ASSERT_TRUE(f.follower.start(std::nullopt).has_value());
  const auto calls = f.room.calls;
  f.follower.live(f.live(6));
  for (int i = 0; i < 100; ++i) f.turn();
  EXPECT_EQ(f.room.calls, calls);
}

TEST(RoomFollower, after_a_lost_connection_what_was_missed_comes_as_soon_as_history_answers) {
  Following f(5);
  ASSERT_TRUE(f.follower.start(std::nullopt).has_value());
  f.room.messages = FakeRoom(8).messages;
  f.room.fail_next = Failure{Exit::refused, "unavailable", "Try again later."};
  f.follower.resume();
  f.turn();
  EXPECT_TRUE(f.given.empty());
  f.turn();
  EXPECT_EQ(f.given, (Seqs{6, 7, 8}));
}

TEST(RoomFollower, a_new_epoch_is_told_and_followed) {
  Following f(5);
  ASSERT_TRUE(f.follower.start(std::nullopt).has_value());
  f.follower.live(f.live(3, "new"));
  f.follower.live(f.live(4, "new"));
  EXPECT_EQ(f.given, (Seqs{3, 4}));
  EXPECT_EQ(f.notes.size(), 1u);
}

TEST(RoomFollower, however_delivery_shuffles_repeats_and_loses_each_comes_once_in_order) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    Following f(3);
    ASSERT_TRUE(f.follower.start(std::nullopt).has_value());
    f.room.messages = FakeRoom(40).messages;
    Seqs order;
    for (std::uint64_t seq = 2; seq <= 40; ++seq) {
      for (auto copies = random() % 3; copies > 0; --copies) order.push_back(seq);
    }
    order.push_back(40);
    std::shuffle(order.begin(), order.end(), random);
    for (auto seq : order) {
      f.follower.live(f.live(seq));
      if (random() % 4 == 0) f.turn();
    }
    f.turn();
    Seqs want;
    for (std::uint64_t seq = 4; seq <= 40; ++seq) want.push_back(seq);
    ASSERT_EQ(f.given, want);
  }
}

}  // namespace
}  // namespace parley::ctl
