#include "backend/store/room_placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace parley::backend {
namespace {

const std::vector<std::string> kThree{"aaa", "bbb", "ccc"};

TEST(RoomPlacement, each_shard_gets_an_even_share) {
  std::map<std::size_t, int> rooms;
  for (std::uint64_t id = 1; id <= 30'000; ++id) ++rooms[place_room(id * 7919, kThree)];
  for (std::size_t shard = 0; shard < 3; ++shard) EXPECT_NEAR(rooms[shard], 10'000, 500);
}

TEST(RoomPlacement, the_order_of_shards_does_not_matter) {
  const std::vector<std::string> other{"ccc", "aaa", "bbb"};
  for (std::uint64_t id = 1; id <= 1'000; ++id)
    EXPECT_EQ(kThree[place_room(id, kThree)], other[place_room(id, other)]);
}

TEST(RoomPlacement, a_new_shard_takes_only_what_goes_to_it) {
  auto four = kThree;
  four.push_back("ddd");
  int moved = 0;
  for (std::uint64_t id = 1; id <= 10'000; ++id) {
    auto before = kThree[place_room(id, kThree)], after = four[place_room(id, four)];
    if (before == after) continue;
    EXPECT_EQ(after, "ddd");
    ++moved;
  }
  EXPECT_NEAR(moved, 2'500, 250);
}

TEST(RoomPlacement, stays_what_it_was_in_earlier_versions) {
  std::string places;
  for (std::uint64_t id = 1; id <= 12; ++id) places += kThree[place_room(id, kThree)][0];
  EXPECT_EQ(places, "acbacabaabca");
}

}  // namespace
}  // namespace parley::backend
