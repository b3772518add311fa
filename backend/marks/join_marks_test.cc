#include "backend/marks/join_marks.h"

#include <gtest/gtest.h>

#include "tests/fakes/faulty_stores.h"
#include "tests/fakes/memory_stores.h"

namespace parley::backend {
namespace {

class JoinMarks : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"alice", "bob"})
      ASSERT_TRUE(stores_.users->create({.name = name, .title = "", .scram = ""}));
    lab_ = stores_.rooms
               ->create({.name = "lab",
                         .title = "",
                         .members = {{"alice", wire::Role::owner}, {"bob", wire::Role::member}}})
               ->value.id;
  }
  Result<> join(const std::string& content, std::uint8_t flags = wire::kRecordAppended,
                std::string_view type = "member") {
    const auto envelope =
        R"({"seq":7,"room":"lab","from":"alice","type":"member","content":)" + content + "}";
    const wire::Record record{.room_id = lab_,
                              .seq = 7,
                              .flags = flags,
                              .room = "lab",
                              .from = "alice",
                              .type = type,
                              .ref = "",
                              .envelope = envelope};
    return raise_marks_of_joins(*stores_.marks, std::span(&record, 1));
  }
  Marks of(const std::string& user) { return stores_.rooms->member(lab_, user)->marks; }

  FakeClock clock_;
  Stores stores_ = open_memory_stores(std::make_shared<MemoryDatabase>(), 100, clock_);
  std::uint64_t lab_ = 0;
};

TEST_F(JoinMarks, whoever_joined_has_read_all_before_their_entry) {
  ASSERT_TRUE(join(R"({"action":"added","user":"bob","role":"member"})"));
  EXPECT_EQ(of("bob"), (Marks{7, 7}));
  EXPECT_EQ(of("alice"), Marks{});
  ASSERT_TRUE(join(R"({"action":"joined","user":"alice"})"));
  EXPECT_EQ(of("alice"), (Marks{7, 7}));
}

TEST_F(JoinMarks, other_entries_raise_nothing) {
  ASSERT_TRUE(join(R"({"action":"role","user":"bob"})"));
  ASSERT_TRUE(join(R"({"action":"joined","user":"bob"})", 0));
  ASSERT_TRUE(join(R"({"action":"joined","user":"bob"})", wire::kRecordAppended, "text"));
  ASSERT_TRUE(join(R"({"action":"joined"})"));
  ASSERT_TRUE(join(R"("joined")"));
  ASSERT_TRUE(join("{"));
  ASSERT_TRUE(join(R"({"action":"joined","user":"zoe"})"));
  EXPECT_EQ(of("bob"), Marks{});
}

TEST_F(JoinMarks, a_store_that_is_away_is_told_of) {
  FaultPlan plan;
  plan.plan(1, {Fault::What::refused, Errc::unavailable});
  FaultyMarkStore faulty(*stores_.marks, plan);
  const wire::Record record{.room_id = lab_,
                            .seq = 7,
                            .flags = wire::kRecordAppended,
                            .room = "lab",
                            .from = "alice",
                            .type = "member",
                            .ref = "",
                            .envelope = R"({"content":{"action":"joined","user":"bob"}})"};
  EXPECT_EQ(raise_marks_of_joins(faulty, std::span(&record, 1)).error().code, Errc::unavailable);
}

}  // namespace
}  // namespace parley::backend
