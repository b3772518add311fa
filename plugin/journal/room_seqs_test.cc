#include "plugin/journal/room_seqs.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "plugin/journal/journal_testing.h"

namespace parley::plugin {
namespace {

TEST(RoomSeqs, a_room_starts_at_nothing_and_never_goes_back) {
  RoomSeqs rooms;
  EXPECT_EQ(rooms.last(7), 0u);
  rooms.raise(7, 5);
  rooms.raise(7, 3);
  EXPECT_EQ(rooms.last(7), 5u);
  rooms.raise(7, 6);
  EXPECT_EQ(rooms.last(7), 6u);
}

TEST(RoomSeqs, room_nought_and_number_nought_leave_no_trace) {
  RoomSeqs rooms;
  rooms.raise(0, 5);
  rooms.raise(5, 0);
  EXPECT_EQ(rooms.size(), 0u);
  EXPECT_EQ(rooms.last(0), 0u);
  rooms.forget(0);
}

// Few enough ids that slots collide and gaps close in every way.
TEST(RoomSeqs, agrees_with_a_plain_map_while_rooms_come_and_go) {
  const std::uint64_t seed = testing::random_seed();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  RoomSeqs rooms;
  std::map<std::uint64_t, std::uint64_t> model;
  for (int step = 0; step < 300'000; ++step) {
    const std::uint64_t room = 1 + random() % 30'000;
    if (random() % 3 == 0) {
      rooms.forget(room);
      model.erase(room);
    } else {
      const std::uint64_t seq = 1 + random() % 100;
      rooms.raise(room, seq);
      std::uint64_t& last = model[room];
      last = std::max(last, seq);
    }
  }
  EXPECT_EQ(rooms.size(), model.size());
  for (std::uint64_t room = 1; room <= 30'000; ++room) {
    const auto found = model.find(room);
    ASSERT_EQ(rooms.last(room), found == model.end() ? 0 : found->second) << "room " << room;
  }
  std::map<std::uint64_t, std::uint64_t> all;
  rooms.for_each([&](std::uint64_t room, std::uint64_t last) { all[room] = last; });
  EXPECT_EQ(all, model);
}

}  // namespace
}  // namespace parley::plugin
