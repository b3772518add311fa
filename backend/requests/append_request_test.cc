#include "backend/requests/requests_test.h"

namespace parley::backend {
namespace {

using testing::IsEmpty;

class AppendRequest : public RequestsTest {
 protected:
  void SetUp() override {
    RequestsTest::SetUp();
    make_lab();
  }
  static Json entry(const Json& changes = Json::object()) {
    Json entry = {
        {"from", "zoe"}, {"ref", "irc:1"}, {"sent_at", 1149498000000}, {"content", {{"text", "hello"}}}};
    entry.update(changes);
    return entry;
  }
  static Json request(const std::vector<Json>& entries) { return {{"room", "lab"}, {"entries", entries}}; }
  std::string refused_with(const Json& changes) {
    return refused("root", "append", request({entry(changes)}));
  }
};

TEST_F(AppendRequest, entries_go_to_the_broker_as_imported) {
  auto result = ok("root", "append", request({entry(), entry({{"type", "x.irc"}, {"ref", "irc:2"}})}));
  EXPECT_EQ(result, (Json{{"seqs", {1, 2}}}));
  ASSERT_EQ(broker_.appended().size(), 2u);
  EXPECT_EQ(broker_.appended()[0], (wire::AppendEntry{.room = room("lab").id,
                                                      .from = "zoe",
                                                      .role = "",
                                                      .type = "text",
                                                      .ref = "irc:1",
                                                      .content = R"({"text":"hello"})",
                                                      .sent_at = 1149498000000,
                                                      .imported = true}));
  EXPECT_EQ(broker_.appended()[1].type, "x.irc");
}

TEST_F(AppendRequest, imports_are_for_administrators) {
  EXPECT_EQ(refused("alice", "append", request({entry()})), "not_allowed");
  EXPECT_EQ(refused("root", "append", {{"room", "nowhere"}, {"entries", {entry()}}}), "not_found");
  EXPECT_THAT(broker_.appended(), IsEmpty());
}

TEST_F(AppendRequest, entries_obey_the_rules_of_messages) {
  EXPECT_EQ(refused_with({{"from", "a b"}}), "invalid_name");
  EXPECT_EQ(refused_with({{"ref", ""}}), "malformed");
  EXPECT_EQ(refused_with({{"ref", "a\nb"}}), "malformed");
  EXPECT_EQ(refused_with({{"ref", std::string(129, 'x')}}), "invalid_argument");
  EXPECT_EQ(refused_with({{"ref", "d42.0"}}), "invalid_argument");
  EXPECT_EQ(refused_with({{"sent_at", 0}}), "invalid_argument");
  EXPECT_EQ(refused_with({{"type", "member"}}), "reserved_type");
  EXPECT_EQ(refused_with({{"type", "edit"}}), "malformed");
  EXPECT_EQ(refused_with({{"content", "hello"}}), "invalid_argument");
  EXPECT_EQ(refused_with({{"content", {{"text", " "}}}}), "empty");
  EXPECT_EQ(refused_with({{"content", {{"text", "hello"}, {"type", "media"}}}}), "invalid_argument");
  EXPECT_EQ(refused_with({{"content", {{"text", std::string(70'000, 'x')}}}}), "too_large");
  EXPECT_EQ(refused_with({{"seq", 3}}), "invalid_argument");
  EXPECT_THAT(broker_.appended(), IsEmpty());
}

TEST_F(AppendRequest, one_wrong_entry_is_named_and_none_is_appended) {
  auto reply = call("root", "append", request({entry(), entry({{"from", "a b"}})}));
  EXPECT_EQ(reply.code, "invalid_name");
  EXPECT_NE(reply.message.find("entries[1]"), std::string::npos) << reply.message;
  EXPECT_THAT(broker_.appended(), IsEmpty());
}

TEST_F(AppendRequest, an_empty_list_appends_nothing_and_a_long_one_is_refused) {
  EXPECT_EQ(ok("root", "append", {{"room", "lab"}, {"entries", Json::array()}}),
            (Json{{"seqs", Json::array()}}));
  EXPECT_EQ(refused("root", "append", request(std::vector<Json>(501, entry()))), "invalid_argument");
  EXPECT_EQ(refused("root", "append", {{"room", "lab"}}), "invalid_argument");
}

TEST_F(AppendRequest, what_the_journal_can_not_take_is_to_be_sent_again) {
  broker_.be_full();
  EXPECT_EQ(refused("root", "append", request({entry()})), "backlog_full");
}

TEST_F(AppendRequest, a_broker_that_is_away_takes_nothing) {
  broker_.fail_with(Error{Errc::unavailable, "The broker is away."});
  EXPECT_EQ(refused("root", "append", request({entry()})), "unavailable");
}

}  // namespace
}  // namespace parley::backend
