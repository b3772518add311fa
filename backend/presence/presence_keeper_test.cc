#include "backend/presence/presence_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "backend/requests/fake_broker.h"
#include "tests/fakes/faulty_stores.h"
#include "tests/fakes/memory_stores.h"
#include "wire/topics.h"

namespace parley::backend {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

// Answers `sessions` with what the test says, at once or when told to.
class ListingBroker final : public BrokerControl {
 public:
  bool attached() const override { return true; }
  void directory_changed(std::uint64_t, std::function<void(Result<>)>) override {}
  void append(std::vector<wire::AppendEntry>,
              std::function<void(Result<std::vector<std::uint64_t>>)>) override {}
  void kick(std::string, std::string, std::function<void(Result<std::uint32_t>)>) override {}
  void forget_device(std::string, std::string, std::function<void(Result<std::uint32_t>)>) override {}
  void administer(AdminCommand, std::function<void(Result<nlohmann::json>)>) override {}
  void stats(std::function<void(Result<nlohmann::json>)>) override {}
  void sessions(wire::Sessions query, std::function<void(Result<nlohmann::json>)> done) override {
    ++asked;
    if (away) return done(fail(Errc::timeout, "no answer"));
    auto page = nlohmann::json::array();
    for (const auto& [device, user] : open)
      if (device > query.after && page.size() < page_max)
        page.push_back({{"session", number(device)}, {"user", user}, {"device", device}});
    const bool more = !page.empty() && page.back()["device"] != open.rbegin()->first;
    done(nlohmann::json{{"sessions", page}, {"more", more}});
  }
  static std::uint64_t number(const std::string& device) { return std::hash<std::string>{}(device) >> 20; }
  std::map<std::string, std::string> open;  // device → user
  std::size_t page_max = 2;
  bool away = false;
  int asked = 0;
};

class PresenceKeeperTest : public testing::Test {
 protected:
  PresenceKeeperTest() {
    for (const char* user : {"al", "bo", "cy"}) EXPECT_TRUE(stores.users->create({.name = user}));
    EXPECT_TRUE(stores.rooms->create({.name = "den", .members = {{"al", wire::Role::owner}}}));
    EXPECT_TRUE(stores.rooms->create({.name = "lab", .members = {{"al", wire::Role::owner}, {"bo"}}}));
    large = stores.rooms->create({.name = "plaza", .members = {{"al", wire::Role::owner}, {"bo"}, {"cy"}}})
                ->value.id;
  }
  // Does what is due within `time`.
  void run_for(std::chrono::milliseconds time) {
    const auto end = clock.steady() + time;
    for (int i = 0; i < 10'000; ++i) {
      const auto due = keeper.step();
      if (!due || *due > end) break;
      if (*due > clock.steady())
        clock.advance(std::chrono::ceil<std::chrono::milliseconds>(*due - clock.steady()));
    }
    clock.advance(std::max(0ms, std::chrono::duration_cast<std::chrono::milliseconds>(end - clock.steady())));
  }
  void connect(const std::string& user, const std::string& device) {
    broker.open[device] = user;
    keeper.session_event({.event = "connected",
                          .user = user,
                          .device = device,
                          .session = ListingBroker::number(device),
                          .at = to_ms(clock.wall())});
  }
  void disconnect(const std::string& user, const std::string& device) {
    broker.open.erase(device);
    keeper.session_event({.event = "disconnected",
                          .user = user,
                          .device = device,
                          .session = ListingBroker::number(device),
                          .at = to_ms(clock.wall())});
  }
  // As "lab/al online"; "lab/al -" when cleared.
  std::vector<std::string> published() {
    std::vector<std::string> out;
    for (const auto& message : publisher.take()) {
      const auto topic = wire::parse_topic(message.topic);
      const auto json = nlohmann::json::parse(message.payload, nullptr, false);
      const auto where = topic.room.empty() ? topic.device : topic.room;
      out.push_back(std::string(where) + "/" + std::string(topic.user) + " " +
                    (json.is_object() ? json["status"].get<std::string>() : "-"));
      EXPECT_TRUE(message.retain);
    }
    return out;
  }
  PresenceRow row(const std::string& user) {
    const auto rows = stores.presence->get(std::span(&user, 1));
    return rows->empty() ? PresenceRow{} : rows->front();
  }

  FakeClock clock;
  Stores stores = open_memory_stores(std::make_shared<MemoryDatabase>(), 100, clock);
  Stores faulty;
  FaultPlan faults, device_faults;
  ListingBroker broker;
  FakePublisher publisher;
  FakeRoomEvents states;
  Metrics metrics;
  int subscribed = 0;
  std::uint64_t large = 0;
  PresenceKeeper keeper{
      faulty_stores(),
      {.broker = broker,
       .publisher = publisher,
       .read_retained = [](const std::string&, RetainedReader::Done done) { done(RetainedMessages{}); },
       .subscribe_statuses = [this] { ++subscribed; },
       .room_states = states},
      metrics,
      clock,
      [](LogLevel, std::string_view) {},
      {.times = {.settle = 1s, .leave_grace = 15s}, .room_max = 2}};

 private:
  Stores& faulty_stores() {
    faulty.presence = std::make_unique<FaultyPresenceStore>(*stores.presence, faults);
    faulty.rooms = std::make_unique<FaultyRoomStore>(*stores.rooms, faults);
    faulty.devices = std::make_unique<FaultyDeviceStore>(*stores.devices, device_faults);
    return faulty;
  }
};

TEST_F(PresenceKeeperTest, who_comes_and_goes_is_shown_in_their_rooms_and_counted_in_large_ones) {
  keeper.activate();
  run_for(1s);
  EXPECT_EQ(subscribed, 1);
  connect("al", "al-phone");
  run_for(2s);
  EXPECT_THAT(published(), ElementsAre("den/al online", "lab/al online"));
  EXPECT_EQ(row("al").status, PresenceStatus::online);
  EXPECT_THAT(states.take(), ElementsAre("changed " + std::to_string(large)));
  disconnect("al", "al-phone");
  run_for(20s);
  EXPECT_THAT(published(), ElementsAre("den/al offline", "lab/al offline"));
  EXPECT_EQ(row("al").status, PresenceStatus::offline);
}

TEST_F(PresenceKeeperTest, those_connected_before_the_attach_are_asked_for_page_by_page) {
  broker.open = {{"al-phone", "al"}, {"bo-pad", "bo"}, {"bo-phone", "bo"}, {"cy-phone", "cy"}};
  keeper.activate();
  run_for(2s);
  EXPECT_EQ(broker.asked, 2);
  EXPECT_THAT(published(), testing::UnorderedElementsAre("den/al online", "lab/al online", "lab/bo online"));
}

TEST_F(PresenceKeeperTest, a_list_that_does_not_come_is_asked_for_again) {
  broker.open = {{"al-phone", "al"}};
  broker.away = true;
  keeper.activate();
  run_for(3s);
  EXPECT_GT(broker.asked, 2);
  EXPECT_LT(broker.asked, 20);
  broker.away = false;
  run_for(3s);
  EXPECT_EQ(row("al").status, PresenceStatus::online);
}

TEST_F(PresenceKeeperTest, while_the_database_is_away_nothing_is_published_and_nothing_forgotten) {
  keeper.activate();
  run_for(1s);
  connect("al", "al-phone");
  faults.plan([](std::uint64_t) { return std::optional(Fault{}); });
  run_for(1min);
  EXPECT_THAT(published(), IsEmpty());
  faults.plan([](std::uint64_t) { return std::optional<Fault>(); });
  run_for(2s);
  EXPECT_THAT(published(), ElementsAre("den/al online", "lab/al online"));
}

TEST_F(PresenceKeeperTest, everybody_is_offline_after_all_was_killed_together) {
  keeper.activate();
  run_for(1s);
  connect("al", "al-phone");
  connect("bo", "bo-phone");
  run_for(1min);
  const auto watched = *stores.presence->watched_at();
  EXPECT_GE(watched, clock.wall() - 10s);
  published();
  keeper.deactivate();
  broker.open.clear();
  clock.advance(1h);
  keeper.activate();
  run_for(14s);
  EXPECT_EQ(row("al").status, PresenceStatus::online);
  run_for(2s);
  EXPECT_EQ(row("al").status, PresenceStatus::offline);
  EXPECT_GE(row("al").last_seen, watched);
  EXPECT_LE(row("al").last_seen, watched + 10s);
  EXPECT_EQ(row("bo").status, PresenceStatus::offline);
}

TEST_F(PresenceKeeperTest, nothing_happens_while_another_backend_is_attached) {
  connect("al", "al-phone");
  run_for(1min);
  EXPECT_THAT(published(), IsEmpty());
  EXPECT_EQ(broker.asked, 0);
}

TEST_F(PresenceKeeperTest, the_invisible_leave_at_once_and_come_back_at_once) {
  keeper.activate();
  run_for(1s);
  connect("al", "al-phone");
  run_for(2s);
  published();
  ASSERT_TRUE(stores.presence->set_invisible("al", true));
  keeper.invisible_changed("al", true);
  run_for(100ms);
  EXPECT_THAT(published(), ElementsAre("den/al offline", "lab/al offline"));
  ASSERT_TRUE(stores.presence->set_invisible("al", false));
  keeper.invisible_changed("al", false);
  run_for(100ms);
  EXPECT_THAT(published(), ElementsAre("den/al online", "lab/al online"));
}

TEST_F(PresenceKeeperTest, connections_are_known_once_the_broker_has_listed_them) {
  broker.away = true;
  keeper.activate();
  run_for(1ms);
  EXPECT_FALSE(keeper.knows_connections());
  broker.away = false;
  run_for(5s);
  EXPECT_TRUE(keeper.knows_connections());
  keeper.deactivate();
  EXPECT_FALSE(keeper.knows_connections());
}

TEST_F(PresenceKeeperTest, a_wish_to_be_invisible_while_the_store_is_read_is_not_missed) {
  keeper.activate();
  ASSERT_TRUE(stores.presence->set_invisible("al", true));
  keeper.invisible_changed("al", true);
  run_for(2s);
  connect("al", "al-phone");
  run_for(2s);
  EXPECT_EQ(row("al").status, PresenceStatus::offline);
}

TEST_F(PresenceKeeperTest, the_status_of_a_device_that_is_gone_is_cleared) {
  keeper.activate();
  run_for(1s);
  keeper.device_status("bo", "bo-phone", R"({"status":"away"})");
  EXPECT_EQ(keeper.devices("bo").size(), 1u);
  run_for(16s);
  EXPECT_THAT(published(), ElementsAre("bo-phone/bo -"));
}

TEST_F(PresenceKeeperTest, devices_are_written_down_until_they_are_forgotten) {
  broker.open = {{"al-pad", "al"}};
  keeper.activate();
  run_for(1s);
  connect("al", "al-phone");
  disconnect("bo", "bo-phone");
  run_for(1s);
  EXPECT_EQ(stores.devices->list("al")->size(), 2u);
  EXPECT_EQ(stores.devices->list("bo")->size(), 0u);
  connect("al", "al-tv");
  EXPECT_EQ(keeper.forget_device("al", "al-tv").size(), 1u);
  run_for(1s);
  EXPECT_EQ(stores.devices->list("al")->size(), 2u);
}

TEST_F(PresenceKeeperTest, a_device_forgotten_while_it_is_written_down_is_given_and_does_not_come_back) {
  keeper.activate();
  run_for(1s);
  connect("al", "al-tv");
  device_faults.plan(1, {.what = Fault::What::held});
  std::thread writing([&] { run_for(1s); });
  ASSERT_TRUE(device_faults.wait_until_held());
  const auto unwritten = keeper.forget_device("al", "al-tv");
  device_faults.release();
  writing.join();
  ASSERT_EQ(unwritten.size(), 1u);
  EXPECT_EQ(unwritten[0].device, "al-tv");
  EXPECT_THAT(*stores.devices->list("al"), IsEmpty());
}

TEST_F(PresenceKeeperTest, a_newer_change_overtakes_one_that_is_on_its_way_to_many_rooms) {
  for (int i = 0; i < 300; ++i)
    ASSERT_TRUE(stores.rooms->create(
        {.name = "room" + std::to_string(1000 + i), .members = {{"cy", wire::Role::owner}}}));
  keeper.activate();
  run_for(10s);
  connect("cy", "cy-phone");
  run_for(1100ms);
  const auto first = published();
  EXPECT_LT(first.size(), 300u);
  EXPECT_GT(first.size(), 0u);
  keeper.invisible_changed("cy", true);
  run_for(5s);
  const auto then = published();
  EXPECT_EQ(std::ranges::count(then, "room1299/cy offline"), 1);
  EXPECT_EQ(std::ranges::count(then, "room1299/cy online"), 0);
  EXPECT_EQ(std::ranges::count(then, "room1000/cy offline"), 1);
}

}  // namespace
}  // namespace parley::backend
