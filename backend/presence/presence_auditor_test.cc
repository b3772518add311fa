#include "backend/presence/presence_auditor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/faulty_stores.h"
#include "tests/fakes/memory_stores.h"
#include "wire/topics.h"

namespace parley::backend {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

// A broker that keeps what is retained, and answers readings when it is told to.
class RetainingBroker final : public Publisher {
 public:
  Result<> publish(Publication message) override {
    if (away) return fail(Errc::unavailable, "away");
    ++published;
    if (message.payload.empty())
      retained.erase(message.topic);
    else
      retained[message.topic] = message.payload;
    return {};
  }
  void read(const std::string& filter, RetainedReader::Done done) {
    RetainedMessages found;
    for (const auto& [topic, payload] : retained)
      if (wire::matches(filter, topic)) found.payloads[topic] = payload;
    readings.emplace_back(std::move(found), std::move(done));
  }
  void answer() {
    for (auto& [found, done] : std::exchange(readings, {})) done(std::move(found));
  }
  std::map<std::string, std::string> retained;
  std::vector<std::pair<RetainedMessages, RetainedReader::Done>> readings;
  bool away = false;
  int published = 0;
};

class PresenceAuditorTest : public testing::Test {
 protected:
  PresenceAuditorTest() {
    for (const char* user : {"al", "bo", "cy"}) EXPECT_TRUE(stores.users->create({.name = user}));
    lab = stores.rooms->create({.name = "lab", .members = {{"al", wire::Role::owner}, {"bo"}}})->value.id;
    std::vector<PresenceRow> rows{{"al", PresenceStatus::online, from_ms(1)},
                                  {"cy", PresenceStatus::online, from_ms(3)}};
    EXPECT_TRUE(stores.presence->put(rows));
  }
  // Until nothing more is to be done at this moment.
  void settle() {
    for (int i = 0; i < 100; ++i) {
      clock.advance(1s);
      auditor.step(clock.steady());
      broker.answer();
    }
  }

  FakeClock clock;
  Stores stores = open_memory_stores(std::make_shared<MemoryDatabase>(), 100, clock);
  FaultPlan faults;
  FaultyRoomStore rooms{*stores.rooms, faults};
  RetainingBroker broker;
  Metrics metrics;
  Pace pace{1000};
  PresenceAuditor auditor{
      rooms,
      *stores.presence,
      [this](const std::string& filter, RetainedReader::Done done) { broker.read(filter, std::move(done)); },
      broker,
      pace,
      2,
      {.rooms_per_s = 100},
      [] {},
      metrics};
  std::uint64_t lab = 0;
  const std::string al = "rooms/lab/presence/al", bo = "rooms/lab/presence/bo", cy = "rooms/lab/presence/cy";
  const std::string al_online = R"({"status":"online","last_seen":1})";
};

TEST_F(PresenceAuditorTest, after_the_start_every_room_shows_what_it_should) {
  broker.retained = {{bo, "stale"}, {cy, "of no member"}, {"rooms/den/presence/al", "another room"}};
  auditor.start(clock.steady());
  settle();
  EXPECT_THAT(broker.retained,
              UnorderedElementsAre(Pair(al, al_online), Pair("rooms/den/presence/al", "another room")));
}

TEST_F(PresenceAuditorTest, what_is_right_is_not_published_again) {
  broker.retained = {{al, al_online}};
  auditor.start(clock.steady());
  settle();
  EXPECT_EQ(broker.published, 0);
}

TEST_F(PresenceAuditorTest, who_leaves_is_cleared_and_who_comes_is_shown) {
  broker.retained = {{al, al_online}};
  ASSERT_TRUE(stores.rooms->change_member({.room_id = lab, .user = "bo"}));
  ASSERT_TRUE(stores.rooms->change_member({.room_id = lab, .user = "cy", .role = wire::Role::owner}));
  ASSERT_TRUE(stores.rooms->change_member({.room_id = lab, .user = "al", .banned = true}));
  auditor.room_changed(lab, clock.steady());
  settle();
  EXPECT_THAT(broker.retained, ElementsAre(Pair(cy, R"({"status":"online","last_seen":3})")));
}

TEST_F(PresenceAuditorTest, a_room_that_grew_too_large_shows_nobody) {
  broker.retained = {{al, al_online}};
  ASSERT_TRUE(stores.rooms->change_member({.room_id = lab, .user = "cy", .role = wire::Role::member}));
  auditor.room_changed(lab, clock.steady());
  settle();
  EXPECT_THAT(broker.retained, IsEmpty());
  ASSERT_TRUE(stores.rooms->change_member({.room_id = lab, .user = "cy"}));
  auditor.room_changed(lab, clock.steady());
  settle();
  EXPECT_THAT(broker.retained, ElementsAre(Pair(al, al_online)));
}

TEST_F(PresenceAuditorTest, a_deleted_room_is_cleared_unless_its_name_lives_on) {
  broker.retained = {{al, al_online}, {"rooms/den/presence/bo", "x"}};
  auditor.room_deleted(5, "den");
  auditor.room_deleted(6, "lab");
  settle();
  EXPECT_THAT(broker.retained, ElementsAre(Pair(al, al_online)));
}

TEST_F(PresenceAuditorTest, a_change_while_the_room_is_being_read_brings_another_look) {
  broker.retained = {{al, al_online}};
  auditor.room_changed(lab, clock.steady());
  auditor.step(clock.steady());
  ASSERT_EQ(broker.readings.size(), 1u);
  broker.retained[cy] = "published by one who did not know yet that cy left";
  auditor.room_changed(lab, clock.steady());
  settle();
  EXPECT_THAT(broker.retained, ElementsAre(Pair(al, al_online)));
}

TEST_F(PresenceAuditorTest, it_is_done_in_the_end_whatever_is_away_at_first) {
  broker.retained = {{cy, "of no member"}};
  broker.away = true;
  faults.plan(1, {});
  faults.plan(3, {});
  auditor.start(clock.steady());
  auditor.room_changed(lab, clock.steady());
  EXPECT_FALSE(auditor.step(clock.steady()));
  settle();
  broker.away = false;
  settle();
  EXPECT_THAT(broker.retained, ElementsAre(Pair(al, al_online)));
}

TEST_F(PresenceAuditorTest, a_reading_that_failed_is_made_again) {
  broker.retained = {{cy, "of no member"}};
  auditor.room_changed(lab, clock.steady());
  auditor.step(clock.steady());
  ASSERT_EQ(broker.readings.size(), 1u);
  broker.readings[0].second(fail(Errc::timeout, "no answer"));
  broker.readings.clear();
  EXPECT_FALSE(auditor.step(clock.steady()));
  settle();
  EXPECT_THAT(broker.retained, ElementsAre(Pair(al, al_online)));
}

TEST_F(PresenceAuditorTest, after_clear_what_is_read_still_does_not_block_the_room) {
  auditor.room_changed(lab, clock.steady());
  auditor.step(clock.steady());
  auditor.clear();
  broker.answer();
  auditor.clear();
  auditor.start(clock.steady());
  settle();
  EXPECT_THAT(broker.retained, ElementsAre(Pair(al, al_online)));
}

}  // namespace
}  // namespace parley::backend
