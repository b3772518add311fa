#include "backend/marks/mark_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/faulty_stores.h"
#include "tests/fakes/memory_stores.h"
#include "tests/fakes/records.h"

namespace parley::backend {
namespace {

using namespace std::chrono_literals;
using What = MarkOutcome::What;

class MarkWriterTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"alice", "bob"})
      ASSERT_TRUE(stores_.users->create({.name = name, .title = "", .scram = ""}));
    lab_ = stores_.rooms
               ->create({.name = "lab",
                         .title = "",
                         .members = {{"alice", wire::Role::owner}, {"bob", wire::Role::member}}})
               ->value.id;
    ASSERT_TRUE(stores_.messages->begin(1, "j", std::nullopt));
    store(1, 5);
  }
  void store(std::uint64_t first, std::uint64_t last) {
    auto at = stores_.messages->position()->offset;
    ASSERT_TRUE(stores_.messages->store(1, at, at + 1, Records().add_range(lab_, first, last).span()));
  }
  void ask(Marks to) {
    writer_.raise({.room_id = lab_, .user = "alice", .to = to, .checked = false},
                  [this](Result<MarkOutcome> answer) { answers_.push_back(std::move(answer)); });
  }
  Marks of(const std::string& user) { return stores_.rooms->member(lab_, user)->marks; }

  FakeClock clock_;
  Stores stores_ = open_memory_stores(std::make_shared<MemoryDatabase>(), 100, clock_);
  FaultPlan plan_;
  FaultyMarkStore marks_{*stores_.marks, plan_};
  Metrics metrics_;
  std::uint64_t lab_ = 0;
  std::vector<Result<MarkOutcome>> answers_;
  MarkWriter writer_{
      marks_,
      metrics_,
      clock_,
      [](LogLevel, std::string_view) {},
      {.receipts_max = 2, .requests_max = 2, .retry = {.least = 10ms, .first = 10ms, .max = 10ms}}};
};

TEST_F(MarkWriterTest, receipts_are_written_at_once_and_then_after_a_pause) {
  writer_.receipt("lab", "alice", {.received = 2, .read = 1});
  EXPECT_EQ(writer_.step(), std::nullopt);
  EXPECT_EQ(of("alice"), (Marks{2, 1}));
  writer_.receipt("lab", "alice", {.received = 3, .read = 1});
  writer_.receipt("lab", "alice", {.received = 0, .read = 3});
  EXPECT_EQ(writer_.step(), clock_.steady() + 100ms);
  EXPECT_EQ(of("alice"), (Marks{2, 1}));
  clock_.advance(100ms);
  EXPECT_EQ(writer_.step(), std::nullopt);
  EXPECT_EQ(of("alice"), (Marks{3, 3}));
  EXPECT_EQ(plan_.calls(), 2u);
}

TEST_F(MarkWriterTest, receipts_beyond_the_limit_are_dropped) {
  writer_.receipt("lab", "zoe", {.received = 1, .read = 1});
  writer_.receipt("hall", "bob", {.received = 1, .read = 1});
  writer_.receipt("lab", "alice", {.received = 1, .read = 1});
  writer_.receipt("hall", "bob", {.received = 2, .read = 2});
  writer_.step();
  EXPECT_EQ(of("alice"), Marks{});
  EXPECT_THAT(metrics_.text(), testing::HasSubstr("parley_receipts_dropped_total 1"));
}

TEST_F(MarkWriterTest, a_request_is_answered_when_it_is_written) {
  ask({.received = 4, .read = 2});
  EXPECT_TRUE(answers_.empty());
  writer_.step();
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(*answers_[0], (MarkOutcome{What::raised, {4, 2}}));
  EXPECT_EQ(of("alice"), (Marks{4, 2}));
}

TEST_F(MarkWriterTest, a_request_waits_for_its_message_but_not_for_ever) {
  ask({.received = 6, .read = 6});
  EXPECT_GT(writer_.step(), clock_.steady());
  EXPECT_TRUE(answers_.empty());
  store(6, 6);
  clock_.advance(25ms);
  writer_.step();
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0]->what, What::raised);
  ask({.received = 7, .read = 7});
  writer_.step();
  clock_.advance(2s);
  writer_.step();
  ASSERT_EQ(answers_.size(), 2u);
  EXPECT_EQ(answers_[1]->what, What::above_last_seq);
}

TEST_F(MarkWriterTest, what_could_not_be_written_is_tried_again) {
  plan_.plan(1, {Fault::What::refused, Errc::unavailable});
  plan_.plan(2, {Fault::What::unanswered});
  writer_.receipt("lab", "bob", {.received = 3, .read = 3});
  ask({.received = 4, .read = 2});
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(answers_.empty());
    writer_.step();
    clock_.advance(10ms);
  }
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0]->now, (Marks{4, 2}));
  EXPECT_EQ(of("bob"), (Marks{3, 3}));
}

TEST_F(MarkWriterTest, a_request_is_told_when_the_database_stays_away) {
  plan_.plan([](std::uint64_t) { return Fault{Fault::What::refused, Errc::unavailable}; });
  ask({.received = 4, .read = 2});
  writer_.step();
  EXPECT_TRUE(answers_.empty());
  clock_.advance(2s);
  writer_.step();
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].error().code, Errc::unavailable);
}

TEST_F(MarkWriterTest, more_requests_than_it_holds_are_turned_away) {
  for (int i = 0; i < 3; ++i) ask({.received = 1, .read = 1});
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].error().code, Errc::unavailable);
}

TEST_F(MarkWriterTest, stopping_writes_what_waits_and_answers_everybody) {
  writer_.start();
  writer_.receipt("lab", "bob", {.received = 3, .read = 3});
  ask({.received = 9, .read = 9});
  writer_.stop();
  EXPECT_EQ(of("bob"), (Marks{3, 3}));
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].error().code, Errc::unavailable);
  ask({.received = 1, .read = 1});
  EXPECT_EQ(answers_.size(), 2u);
}

}  // namespace
}  // namespace parley::backend
