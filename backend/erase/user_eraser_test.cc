#include "backend/erase/user_eraser.h"

#include <gtest/gtest.h>

#include "tests/fakes/faulty_stores.h"
#include "tests/fakes/memory_stores.h"
#include "tests/fakes/records.h"

namespace parley::backend {
namespace {

// Answers at once, or when told to.
class FakeControl final : public BrokerControl {
 public:
  bool attached() const override { return true; }
  void directory_changed(std::uint64_t version, std::function<void(Result<>)> done) override {
    versions.push_back(version);
    done(away ? Result<>(fail(Errc::in_doubt, "The broker is away.")) : Result<>());
  }
  void append(std::vector<wire::AppendEntry>,
              std::function<void(Result<std::vector<std::uint64_t>>)> done) override {
    done(std::vector<std::uint64_t>{});
  }
  void kick(std::string, std::string, std::function<void(Result<std::uint32_t>)> done) override { done(0); }
  void forget_device(std::string user, std::string device,
                     std::function<void(Result<std::uint32_t>)> done) override {
    forgotten.push_back(user + "/" + device);
    done(1);
  }
  void sessions(wire::Sessions, std::function<void(Result<nlohmann::json>)> done) override {
    done(nlohmann::json::object());
  }
  void administer(AdminCommand, std::function<void(Result<nlohmann::json>)>) override {}
  void stats(std::function<void(Result<nlohmann::json>)> done) override { done(nlohmann::json::object()); }

  std::vector<std::uint64_t> versions;
  std::vector<std::string> forgotten;
  bool away = false;
};

class FakePublisher final : public Publisher {
 public:
  Result<> publish(Publication message) override {
    published.push_back(std::move(message));
    return {};
  }
  std::vector<Publication> published;
};

class FakeRooms final : public RoomEvents {
 public:
  void room_changed(std::uint64_t room_id) override { changed.push_back(room_id); }
  void room_deleted(std::uint64_t, const std::string&) override {}
  void messages_stored(std::uint64_t, std::uint64_t) override {}
  std::vector<std::uint64_t> changed;
};

class UserEraserTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"alice", "bob"}) ASSERT_TRUE(stores_.users->create({.name = name}));
    lab_ =
        stores_.rooms
            ->create({.name = "lab", .members = {{"bob", wire::Role::owner}, {"alice", wire::Role::member}}})
            ->value.id;
    ASSERT_TRUE(stores_.messages->begin(1, "j", std::nullopt));
    Records records;
    records.say(lab_, {.seq = 1, .from = "alice", .content = R"({"text":"secret"})"});
    ASSERT_TRUE(stores_.messages->store(1, 0, 1, records.span()));
    retained_["users/alice/devices/phone/status"] = "{}";
  }
  std::unique_ptr<UserEraser> eraser() {
    return std::make_unique<UserEraser>(stores_, surroundings(), metrics_, clock_,
                                        [this](LogLevel, std::string_view line) { log_ += line; });
  }
  EraserSurroundings surroundings() {
    return {.broker = control_,
            .publisher = publisher_,
            .read_retained =
                [this](const std::string& filter, RetainedReader::Done done) {
                  filters_.push_back(filter);
                  done(RetainedMessages{.payloads = retained_});
                },
            .rooms = rooms_};
  }
  // Until nothing is to be done, or time has to pass.
  void run(UserEraser& eraser, int steps_max = 1000) {
    for (int i = 0; i < steps_max; ++i) {
      const auto due = eraser.step();
      if (!due) return;
      if (*due > clock_.steady())
        clock_.advance(std::chrono::duration_cast<std::chrono::milliseconds>(*due - clock_.steady()));
    }
  }
  std::string history() {
    return stores_.messages->page({.room_id = lab_, .after = 0, .limit = 10})->envelopes.front();
  }

  FakeClock clock_;
  Metrics metrics_;
  Stores stores_ = open_memory_stores(std::make_shared<MemoryDatabase>(), 50, clock_);
  FakeControl control_;
  FakePublisher publisher_;
  FakeRooms rooms_;
  std::map<std::string, std::string> retained_;
  std::vector<std::string> filters_;
  std::string log_;
  std::uint64_t lab_ = 0;
};

TEST_F(UserEraserTest, an_erase_goes_through_all_its_stages) {
  auto work = eraser();
  work->activate();
  ASSERT_TRUE(stores_.erasures->begin("alice", std::nullopt));
  run(*work);
  EXPECT_FALSE(*stores_.erasures->unfinished());
  EXPECT_EQ(history().find("alice"), std::string::npos);
  EXPECT_EQ(history().find("secret"), std::string::npos);
  EXPECT_EQ(filters_, std::vector<std::string>{"users/alice/devices/+/status"});
  ASSERT_EQ(publisher_.published.size(), 1u);
  EXPECT_TRUE(publisher_.published[0].retain);
  EXPECT_EQ(publisher_.published[0].payload, "");
  EXPECT_EQ(control_.forgotten, std::vector<std::string>{"alice/"});
  EXPECT_EQ(rooms_.changed, std::vector<std::uint64_t>{lab_});
  EXPECT_EQ(control_.versions.back(), *stores_.directory->version());
  EXPECT_EQ(log_.find("alice"), std::string::npos);
}

TEST_F(UserEraserTest, nothing_is_done_by_a_backend_that_is_not_attached) {
  auto work = eraser();
  ASSERT_TRUE(stores_.erasures->begin("alice", std::nullopt));
  run(*work);
  EXPECT_NE(history().find("alice"), std::string::npos);
}

TEST_F(UserEraserTest, whoever_starts_anew_goes_on_wherever_the_last_one_was_killed) {
  ASSERT_TRUE(stores_.erasures->begin("alice", std::nullopt));
  for (int killed = 1; *stores_.erasures->unfinished(); ++killed) {
    ASSERT_LT(killed, 100);
    auto work = eraser();
    work->activate();
    run(*work, killed);
  }
  EXPECT_EQ(history().find("alice"), std::string::npos);
  EXPECT_FALSE(stores_.users->find("alice"));
}

TEST_F(UserEraserTest, a_broker_that_is_away_is_waited_for) {
  auto work = eraser();
  work->activate();
  control_.away = true;
  ASSERT_TRUE(stores_.erasures->begin("alice", std::nullopt));
  run(*work, 20);
  EXPECT_TRUE(*stores_.erasures->unfinished());
  EXPECT_EQ(work->progress().stage, "announce");
  control_.away = false;
  run(*work);
  EXPECT_FALSE(*stores_.erasures->unfinished());
  EXPECT_EQ(work->progress().pseudonym, "");
}

TEST_F(UserEraserTest, a_room_that_is_held_keeps_what_it_has_until_the_hold_ends) {
  ASSERT_TRUE(stores_.retention->hold(lab_, true, std::nullopt));
  auto work = eraser();
  work->activate();
  ASSERT_TRUE(stores_.erasures->begin("alice", std::nullopt));
  run(*work, 40);
  EXPECT_EQ(work->progress().stage, "held");
  EXPECT_NE(history().find("secret"), std::string::npos);
  ASSERT_TRUE(stores_.retention->hold(lab_, false, std::nullopt));
  run(*work);
  EXPECT_FALSE(*stores_.erasures->unfinished());
  EXPECT_EQ(history().find("secret"), std::string::npos);
}

TEST_F(UserEraserTest, a_presence_that_is_not_settled_is_waited_for) {
  const PresenceRow online{.user = "alice", .status = PresenceStatus::online, .last_seen = clock_.wall()};
  ASSERT_TRUE(stores_.presence->put(std::span(&online, 1)));
  auto work = eraser();
  work->activate();
  ASSERT_TRUE(stores_.erasures->begin("alice", std::nullopt));
  run(*work, 25);
  EXPECT_EQ(work->progress().stage, "presence");
  const PresenceRow offline{.user = "alice", .status = PresenceStatus::offline, .last_seen = clock_.wall()};
  ASSERT_TRUE(stores_.presence->put(std::span(&offline, 1)));
  run(*work);
  EXPECT_FALSE(*stores_.erasures->unfinished());
  const std::string alice = "alice";
  EXPECT_TRUE(stores_.presence->get(std::span(&alice, 1))->empty());
}

}  // namespace
}  // namespace parley::backend
