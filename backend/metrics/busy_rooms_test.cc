#include "backend/metrics/busy_rooms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

namespace parley::backend {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(BusyRooms, are_ordered_by_their_messages_of_the_last_minute) {
  FakeClock clock;
  BusyRooms rooms(clock);
  rooms.add("lab", 2);
  rooms.add("den", 2);
  clock.advance(30s);
  rooms.add("lobby", 5);
  rooms.add("lab", 1);
  EXPECT_THAT(rooms.top(2), ElementsAre(Pair("lobby", 5), Pair("lab", 3)));
  EXPECT_THAT(rooms.top(9), ElementsAre(Pair("lobby", 5), Pair("lab", 3), Pair("den", 2)));
  clock.advance(30s);
  EXPECT_THAT(rooms.top(9), ElementsAre(Pair("lobby", 5), Pair("lab", 1)));
  clock.advance(24h);
  EXPECT_THAT(rooms.top(9), IsEmpty());
}

TEST(BusySketch, is_bounded_and_keeps_what_is_frequent) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  BusySketch sketch(20);
  std::map<std::string, std::uint64_t> exact;
  for (int i = 0; i < 20'000; ++i) {
    // Five rooms have a tenth of all each, a thousand others share the rest.
    const auto room =
        i % 2 == 0 ? "busy" + std::to_string(random() % 5) : "quiet" + std::to_string(random() % 1000);
    sketch.add(room, 1);
    ++exact[room];
  }
  ASSERT_LE(sketch.counts().size(), 20u);
  for (const auto& [room, messages] : exact) {
    const auto known = sketch.counts().find(room);
    if (messages > 20'000 / 20) {
      ASSERT_NE(known, sketch.counts().end()) << room;
    }
    if (known == sketch.counts().end()) continue;
    EXPECT_GE(known->second, messages) << room;
    EXPECT_LE(known->second, messages + 20'000 / 20) << room;
  }
}

}  // namespace
}  // namespace parley::backend
