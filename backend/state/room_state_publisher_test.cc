#include "backend/state/room_state_publisher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace parley::backend {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class FakeRooms final : public RoomStates {
 public:
  Result<std::optional<RoomState>> room_state(std::uint64_t id) override {
    if (away) return fail(Errc::unavailable, "away");
    if (!rooms.contains(id)) return std::nullopt;
    return state_of(rooms[id]);
  }
  Result<std::vector<RoomState>> room_states(const std::string& after, std::uint32_t limit) override {
    if (away) return fail(Errc::unavailable, "away");
    std::set<std::string> names;
    for (const auto& [id, name] : rooms) names.insert(name);
    std::vector<RoomState> out;
    for (auto at = names.upper_bound(after); at != names.end() && out.size() < limit; ++at)
      out.push_back(state_of(*at));
    return out;
  }
  RoomState state_of(const std::string& name) const {
    return {.room = name, .kind = "group", .title = "", .members = 2, .last_seq = seq, .epoch = "e"};
  }
  std::map<std::uint64_t, std::string> rooms{{1, "lab"}, {2, "hall"}};
  std::uint64_t seq = 0;
  bool away = false;
};

class Retained final : public Publisher {
 public:
  Result<> publish(Publication message) override {
    if (away) return fail(Errc::unavailable, "away");
    EXPECT_TRUE(message.retain);
    EXPECT_EQ(message.qos, 1);
    topics.push_back(message.topic + (message.payload.empty() ? " cleared" : ""));
    last = message.payload;
    return {};
  }
  std::vector<std::string> take() { return std::exchange(topics, {}); }
  std::vector<std::string> topics;
  std::string last;
  bool away = false;
};

class RoomStatePublisherTest : public testing::Test {
 protected:
  // Runs what is due, up to `time` later.
  void run_for(std::chrono::milliseconds time) {
    const auto end = clock.steady() + time;
    for (auto due = states.step(); due && *due <= end; due = states.step())
      clock.advance(std::chrono::ceil<std::chrono::milliseconds>(
          std::max(*due - clock.steady(), SteadyTime::duration(0))));
    if (clock.steady() < end)
      clock.advance(std::chrono::duration_cast<std::chrono::milliseconds>(end - clock.steady()));
  }
  void active() {
    states.activate();
    run_for(1s);
    sent.take();
  }

  FakeRooms rooms;
  Retained sent;
  Metrics metrics;
  FakeClock clock;
  RoomStatePublisher states{rooms,
                            sent,
                            metrics,
                            clock,
                            [](LogLevel, std::string_view) {},
                            {.debounce = 1s, .rooms_per_s = 40, .rooms_max = 3, .deleted_max = 2}};
};

TEST(RoomState, is_formatted_as_the_contract_says) {
  EXPECT_EQ(
      format_room_state({"lab", "group", "The lab", 2, 17, "k3x97q2m"}),
      R"({"room":"lab","kind":"group","title":"The lab","members":2,"last_seq":17,"epoch":"k3x97q2m"})");
}

TEST(RoomState, of_a_large_room_tells_how_many_are_there) {
  RoomState state{"lab", "group", "", 2000, 17, "k3x97q2m"};
  state.presence = {.online = 30, .away = 4};
  EXPECT_THAT(format_room_state(state), testing::EndsWith(R"("epoch":"k3x97q2m","online":30,"away":4})"));
}

TEST_F(RoomStatePublisherTest, nothing_is_published_before_it_is_active) {
  states.room_changed(1);
  EXPECT_FALSE(states.step());
  EXPECT_THAT(sent.topics, IsEmpty());
}

TEST_F(RoomStatePublisherTest, all_rooms_are_published_at_the_pace_given_once_active) {
  for (std::uint64_t id = 3; id <= 40; ++id) rooms.rooms[id] = "room" + std::to_string(id);
  states.activate();
  run_for(500ms);
  EXPECT_GE(sent.topics.size(), 18u);
  EXPECT_LE(sent.topics.size(), 24u);
  run_for(2s);
  EXPECT_EQ(sent.topics.size(), 40u);
  EXPECT_EQ(sent.topics[0], "rooms/hall/state");
  EXPECT_FALSE(states.step());
}

TEST_F(RoomStatePublisherTest, a_change_is_published_at_once_and_then_once_a_second) {
  active();
  states.room_changed(1);
  states.step();
  EXPECT_THAT(sent.take(), ElementsAre("rooms/lab/state"));
  for (rooms.seq = 1; rooms.seq <= 100; ++rooms.seq) {
    states.messages_stored(1, rooms.seq);
    run_for(5ms);
  }
  EXPECT_THAT(sent.take(), IsEmpty());
  run_for(500ms);
  EXPECT_THAT(sent.take(), ElementsAre("rooms/lab/state"));
  EXPECT_THAT(sent.last, testing::HasSubstr(R"("last_seq":101)"));
  run_for(5s);
  EXPECT_THAT(sent.take(), IsEmpty());
  EXPECT_FALSE(states.step());
}

TEST_F(RoomStatePublisherTest, a_deleted_room_is_cleared_before_one_of_its_name_is_published) {
  active();
  rooms.rooms.erase(1);
  states.room_changed(1);
  states.room_deleted(1, "lab");
  rooms.rooms[9] = "lab";
  states.room_changed(9);
  run_for(10ms);
  EXPECT_THAT(sent.take(), ElementsAre("rooms/lab/state cleared", "rooms/lab/state"));
}

TEST_F(RoomStatePublisherTest, what_could_not_be_published_is_published_later) {
  active();
  sent.away = true;
  rooms.rooms[3] = "loft";
  states.room_changed(1);
  states.room_changed(3);
  states.room_deleted(2, "hall");
  run_for(3s);
  sent.away = false;
  run_for(2s);
  EXPECT_THAT(sent.take(), ElementsAre("rooms/hall/state cleared", "rooms/lab/state", "rooms/loft/state"));
}

TEST_F(RoomStatePublisherTest, a_database_that_is_away_only_delays) {
  rooms.away = true;
  states.activate();
  run_for(3s);
  EXPECT_THAT(sent.topics, IsEmpty());
  rooms.away = false;
  run_for(2s);
  EXPECT_THAT(sent.topics, ElementsAre("rooms/hall/state", "rooms/lab/state"));
}

TEST_F(RoomStatePublisherTest, more_changed_rooms_than_are_remembered_publish_all) {
  for (std::uint64_t id = 3; id <= 8; ++id) rooms.rooms[id] = "room" + std::to_string(id);
  active();
  for (std::uint64_t id = 1; id <= 8; ++id) states.room_changed(id);
  run_for(3s);
  const auto topics = sent.take();
  EXPECT_EQ(std::set<std::string>(topics.begin(), topics.end()).size(), 8u);
}

TEST_F(RoomStatePublisherTest, no_longer_active_it_publishes_nothing_until_it_is_again) {
  active();
  states.room_changed(1);
  states.deactivate();
  run_for(2s);
  EXPECT_THAT(sent.topics, IsEmpty());
  states.activate();
  run_for(2s);
  EXPECT_THAT(sent.topics, ElementsAre("rooms/hall/state", "rooms/lab/state"));
}

TEST_F(RoomStatePublisherTest, more_deleted_rooms_than_are_remembered_are_counted) {
  for (const char* name : {"a", "b", "c"}) states.room_deleted(7, name);
  active();
  EXPECT_EQ(metrics.counter("parley_room_states_forgotten_total", "").value(), 1);
}

TEST(RoomStatePublisher, runs_by_itself_once_started) {
  FakeRooms rooms;
  Retained sent;
  Metrics metrics;
  SystemClock clock;
  {
    RoomStatePublisher states(rooms, sent, metrics, clock, [](LogLevel, std::string_view) {});
    states.start();
    states.activate();
    const auto published = metrics.counter("parley_room_states_published_total", "");
    const auto end = std::chrono::steady_clock::now() + 60s;
    while (published.value() < 2 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    states.stop();
  }
  EXPECT_THAT(sent.topics, ElementsAre("rooms/hall/state", "rooms/lab/state"));
}

}  // namespace
}  // namespace parley::backend
