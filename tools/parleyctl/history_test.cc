#include "tools/parleyctl/history.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tools/parleyctl/fake_room.h"

namespace parley::ctl {
namespace {

std::vector<std::uint64_t> seqs(FakeRoom& room, HistoryRange range) {
  std::vector<std::uint64_t> out;
  auto ok = read_history(room, range, [&](const Json& m) {
    out.push_back(m.at("seq").get<std::uint64_t>());
    return true;
  });
  EXPECT_TRUE(ok.has_value());
  return out;
}

std::vector<std::uint64_t> run(std::uint64_t first, std::uint64_t last) {
  std::vector<std::uint64_t> out;
  for (auto i = first; i <= last; ++i) out.push_back(i);
  return out;
}

TEST(History, newest_are_read_oldest_first_over_many_pages) {
  FakeRoom room(1700);
  EXPECT_EQ(seqs(room, {.room = "lab", .limit = 50}), run(1651, 1700));
  EXPECT_EQ(seqs(room, {.room = "lab", .limit = 1234}), run(467, 1700));
  EXPECT_EQ(seqs(room, {.room = "lab", .limit = 1'000'000}), run(1, 1700));
}

TEST(History, before_and_after_bound_it) {
  FakeRoom room(1700);
  EXPECT_EQ(seqs(room, {.room = "lab", .limit = 10, .before = 600}), run(590, 599));
  EXPECT_EQ(seqs(room, {.room = "lab", .limit = 10, .before = 1}), run(1, 0));
  EXPECT_EQ(seqs(room, {.room = "lab", .limit = 600, .after = 5}), run(6, 605));
  EXPECT_EQ(seqs(room, {.room = "lab", .limit = ~0ull, .after = 1695}), run(1696, 1700));
  EXPECT_EQ(seqs(room, {.room = "lab", .limit = 10, .after = 1700}), run(1, 0));
}

TEST(History, pages_cut_short_by_their_size_lose_nothing) {
  FakeRoom room(1700);
  room.page_max = 7;
  EXPECT_EQ(seqs(room, {.room = "lab", .limit = 100}), run(1601, 1700));
}

TEST(History, what_has_expired_is_passed_over) {
  FakeRoom room(1700);
  room.expired = 1000;
  EXPECT_EQ(seqs(room, {.room = "lab", .limit = 10, .after = 5}), run(1001, 1010));
  EXPECT_EQ(seqs(room, {.room = "lab", .limit = 10, .before = 600}), run(1, 0));
  EXPECT_EQ(seqs(room, {.room = "lab", .limit = 1'000'000}), run(1001, 1700));
  room.expired = 1700;
  EXPECT_EQ(seqs(room, {.room = "lab", .limit = 10, .after = 5}), run(1, 0));
}

TEST(History, an_empty_room_has_none) {
  FakeRoom room(0);
  EXPECT_EQ(seqs(room, {.room = "lab", .limit = 100}), run(1, 0));
}

TEST(History, a_refusal_is_passed_on) {
  FakeRoom room(10);
  room.fail_next = Failure{Exit::refused, "not_a_member", "You are not a member of this room."};
  auto ok = read_history(room, {.room = "lab"}, [](const Json&) { return true; });
  ASSERT_FALSE(ok.has_value());
  EXPECT_EQ(ok.error().code, "not_a_member");
}

}  // namespace
}  // namespace parley::ctl
