#include "backend/marks/mention_notices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/faulty_stores.h"
#include "tests/fakes/memory_stores.h"
#include "tests/fakes/records.h"

namespace parley::backend {
namespace {

using testing::IsEmpty;
using testing::UnorderedElementsAre;

class Inboxes final : public Publisher {
 public:
  Result<> publish(Publication message) override {
    told.push_back(message.topic + " " + message.payload);
    return {};
  }
  std::vector<std::string> told;
};

class MentionNoticesTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"alice", "Bob", "carol", "dave"})
      ASSERT_TRUE(stores_.users->create({.name = name, .title = "", .scram = ""}));
    lab_ = stores_.rooms
               ->create({.name = "lab",
                         .title = "",
                         .members = {{"alice", wire::Role::owner},
                                     {"Bob", wire::Role::member},
                                     {"carol", wire::Role::member}}})
               ->value.id;
  }
  std::vector<std::string> told_of(Records::Said said, std::uint32_t stored = 1) {
    inboxes_.told.clear();
    said.seq = 17;
    auto records = Records().say(lab_, said);
    notices_.stored(records.span(), {.stored = stored, .repeated = 1 - stored});
    notices_.step();
    return inboxes_.told;
  }
  std::string notice(const std::string& user) {
    return "users/" + user + "/inbox {\"type\":\"mention\",\"room\":\"room" + std::to_string(lab_) +
           "\",\"seq\":17,\"from\":\"alice\"}";
  }

  FakeClock clock_;
  Stores stores_ = open_memory_stores(std::make_shared<MemoryDatabase>(), 100, clock_);
  FaultPlan plan_;
  FaultyMarkStore marks_{*stores_.marks, plan_};
  Inboxes inboxes_;
  Metrics metrics_;
  std::uint64_t lab_ = 0;
  MentionNotices notices_{
      marks_, inboxes_, metrics_, [](LogLevel, std::string_view) {}, {.queue_max = 1, .everyone_max = 3}};
};

TEST_F(MentionNoticesTest, members_who_are_mentioned_are_told_but_not_the_sender) {
  EXPECT_THAT(told_of({.content = R"({"text":"@bob, @ALICE and @dave: look"})"}),
              UnorderedElementsAre(notice("Bob")));
}

TEST_F(MentionNoticesTest, everyone_is_told_where_a_moderator_says_so) {
  EXPECT_THAT(told_of({.content = R"({"text":"@room lunch"})", .role = "moderator"}),
              UnorderedElementsAre(notice("Bob"), notice("carol")));
  EXPECT_THAT(told_of({.content = R"({"text":"@room lunch"})"}), IsEmpty());
}

TEST_F(MentionNoticesTest, repeats_imports_and_edits_tell_nobody) {
  const std::string text = R"({"text":"@bob"})";
  EXPECT_THAT(told_of({.content = text}, 0), IsEmpty());
  EXPECT_THAT(told_of({.content = text, .flags = wire::kRecordImported}), IsEmpty());
  EXPECT_THAT(told_of({.type = "edit", .content = R"({"type":"edit","target":1,"text":"@bob"})"}), IsEmpty());
  EXPECT_THAT(told_of({.content = R"({"text":"nobody"})"}), IsEmpty());
}

TEST_F(MentionNoticesTest, what_can_not_be_told_is_counted) {
  plan_.plan(1, {Fault::What::refused, Errc::unavailable});
  EXPECT_THAT(told_of({.content = R"({"text":"@bob"})"}), IsEmpty());
  auto two = Records().say(lab_, {.seq = 18, .content = R"({"text":"@bob"})"});
  two.say(lab_, {.seq = 19, .content = R"({"text":"@bob"})"});
  notices_.stored(two.span(), {.stored = 2});
  notices_.step();
  EXPECT_EQ(inboxes_.told.size(), 1u);
  EXPECT_THAT(metrics_.text(), testing::HasSubstr("parley_mentions_lost_total 2"));
}

}  // namespace
}  // namespace parley::backend
