#include "backend/retention/expirer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/faulty_stores.h"
#include "tests/fakes/memory_stores.h"
#include "tests/fakes/records.h"

namespace parley::backend {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;

class ExpirerTest : public testing::Test {
 protected:
  ExpirerTest() {
    EXPECT_TRUE(stores_.users->create({.name = "alice", .title = "", .scram = ""}));
    lab_ = make_room("lab");
    den_ = make_room("den");
    EXPECT_TRUE(stores_.messages->begin(1, "journal", std::nullopt));
  }
  std::uint64_t make_room(const std::string& name) {
    auto room = stores_.rooms->create({.name = name, .title = "", .members = {{"alice", wire::Role::owner}}});
    EXPECT_TRUE(room);
    return room->value.id;
  }
  void say(std::uint64_t room, std::uint64_t first, std::uint64_t last) {
    EXPECT_TRUE(stores_.messages->store(1, 0, ++offset_, Records().add_range(room, first, last).span()));
  }
  void keep(std::uint64_t room, const Retention& retain) {
    EXPECT_TRUE(stores_.rooms->update(room, {.retain = retain}));
  }
  void make(ExpirerOptions options = {}) {
    expirer_ = std::make_unique<Expirer>(
        faulty_, [this](std::uint64_t room) { told_.push_back(room); }, metrics_, clock_,
        [this](LogLevel, std::string_view line) { logged_.emplace_back(line); }, options);
    expirer_->activate();
  }
  // As the thread does, for so long.
  void run(milliseconds time) {
    for (const auto end = clock_.steady() + time;;) {
      const auto due = expirer_->step();
      if (!due || *due > end) {
        clock_.advance(std::chrono::ceil<milliseconds>(end - clock_.steady()));
        return;
      }
      if (*due > clock_.steady()) clock_.advance(std::chrono::ceil<milliseconds>(*due - clock_.steady()));
    }
  }
  std::uint64_t expired(std::uint64_t room) { return stores_.rooms->get(room)->expired; }

  FakeClock clock_{from_ms(1'795'314'673'123)};  // when Records' messages were taken
  Stores stores_ = open_memory_stores(std::make_shared<MemoryDatabase>(), 100, clock_);
  FaultPlan plan_;
  FaultyRetentionStore faulty_{*stores_.retention, plan_};
  Metrics metrics_;
  std::vector<std::uint64_t> told_;
  std::vector<std::string> logged_;
  std::unique_ptr<Expirer> expirer_;
  std::uint64_t lab_ = 0, den_ = 0, offset_ = 0;
};

TEST_F(ExpirerTest, what_is_due_goes_and_who_wants_to_know_is_told) {
  say(lab_, 1, 10);
  say(den_, 1, 10);
  keep(lab_, {.messages = 4});
  make();
  run(seconds(10));
  EXPECT_EQ(expired(lab_), 6u);
  EXPECT_EQ(expired(den_), 0u);
  EXPECT_THAT(told_, ElementsAre(lab_));
  EXPECT_EQ(expirer_->progress().expired, 6u);
  EXPECT_EQ(expirer_->progress().rooms_due, 0u);
  EXPECT_TRUE(expirer_->progress().round);
  EXPECT_THAT(metrics_.text(), testing::HasSubstr("parley_retention_expired_total 6"));
}

TEST_F(ExpirerTest, what_gets_old_goes_with_the_next_round) {
  say(lab_, 1, 10);
  keep(lab_, {.seconds = 100});
  make({.every = seconds(60)});
  run(seconds(10));
  EXPECT_EQ(expired(lab_), 0u);
  clock_.advance(seconds(95));
  run(seconds(1));
  EXPECT_EQ(expired(lab_), 10u);
}

TEST_F(ExpirerTest, a_server_can_keep_nothing_for_longer) {
  say(lab_, 1, 10);
  say(den_, 1, 10);
  keep(den_, {.messages = 9});
  make({.rules = {.fallback = {.messages = 3}, .ceiling = {.messages = 5}}});
  run(seconds(1));
  EXPECT_EQ(expired(lab_), 7u);
  EXPECT_EQ(expired(den_), 5u);
}

TEST_F(ExpirerTest, rules_that_change_are_in_force_at_once) {
  say(lab_, 1, 10);
  make();
  run(seconds(10));
  EXPECT_EQ(expired(lab_), 0u);
  expirer_->apply({.rules = {.fallback = {.messages = 3}}});
  run(seconds(10));
  EXPECT_EQ(expired(lab_), 7u);
}

TEST_F(ExpirerTest, it_keeps_its_pace_and_rooms_take_turns) {
  say(lab_, 1, 1000);
  say(den_, 1, 1000);
  keep(lab_, {.messages = 1});
  keep(den_, {.messages = 1});
  make({.messages_per_s = 100, .batch_max = 50});
  run(seconds(5));
  EXPECT_GE(expired(lab_), 200u);
  EXPECT_GE(expired(den_), 200u);
  EXPECT_LE(expired(lab_) + expired(den_), 550u);
  EXPECT_EQ(expirer_->progress().rooms_due, 2u);
  run(seconds(20));
  EXPECT_EQ(expired(lab_) + expired(den_), 1998u);
}

TEST_F(ExpirerTest, a_held_room_is_left_alone) {
  say(lab_, 1, 10);
  keep(lab_, {.messages = 1});
  ASSERT_TRUE(stores_.retention->hold(lab_, true, {}));
  make();
  run(seconds(1));
  EXPECT_EQ(expired(lab_), 0u);
  ASSERT_TRUE(stores_.retention->hold(lab_, false, {}));
  run(seconds(61));
  EXPECT_EQ(expired(lab_), 9u);
}

TEST_F(ExpirerTest, many_rooms_are_looked_at_page_by_page) {
  std::vector<std::uint64_t> rooms;
  for (int i = 0; i < 25; ++i) {
    rooms.push_back(make_room("room" + std::to_string(i)));
    say(rooms.back(), 1, 3);
    keep(rooms.back(), {.messages = 1});
  }
  make({.rooms_max = 5});
  run(seconds(1));
  for (const auto room : rooms) EXPECT_EQ(expired(room), 2u);
}

TEST_F(ExpirerTest, only_the_attached_backend_does_it) {
  say(lab_, 1, 10);
  keep(lab_, {.messages = 1});
  make({.batch_max = 2});
  expirer_->deactivate();
  EXPECT_EQ(expirer_->step(), std::nullopt);
  EXPECT_EQ(expired(lab_), 0u);
  expirer_->activate();
  (void)expirer_->step();
  run(milliseconds(0));
  const auto before = expired(lab_);
  EXPECT_GT(before, 0u);
  expirer_->deactivate();
  EXPECT_EQ(expirer_->step(), std::nullopt);
  EXPECT_EQ(expired(lab_), before);
}

TEST_F(ExpirerTest, a_store_that_is_away_is_asked_again_later) {
  say(lab_, 1, 10);
  keep(lab_, {.messages = 1});
  plan_.plan([](std::uint64_t) { return std::optional(Fault{}); });
  make();
  run(seconds(21));
  EXPECT_EQ(expired(lab_), 0u);
  EXPECT_LE(plan_.calls(), 6u);
  EXPECT_EQ(logged_.size(), 1u);
  plan_.plan([](std::uint64_t) { return std::optional<Fault>(); });
  run(seconds(10));
  EXPECT_EQ(expired(lab_), 9u);
}

}  // namespace
}  // namespace parley::backend
