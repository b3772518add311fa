#include "backend/requests/requests_test.h"
#include "tests/fakes/records.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;

class FoldedRequests : public RequestsTest {
 protected:
  void SetUp() override {
    RequestsTest::SetUp();
    lab_ = make_lab().id;
  }
  void store(const std::vector<Records::Said>& said) {
    Records records;
    for (const auto& one : said) records.say(lab_, one);
    ASSERT_TRUE(stores_.messages->store(1, 0, ++offset_, records.span()));
  }
  // What is told under each number.
  std::map<std::uint64_t, Json> messages(const std::string& method, Json params = Json::object()) {
    params["room"] = "lab";
    page_ = ok("carol", method, params);
    std::map<std::uint64_t, Json> told;
    for (const auto& message : page_["messages"]) told[message["seq"]] = message;
    return told;
  }

  std::uint64_t lab_ = 0, offset_ = 0;
  Json page_;
};

std::string about(const std::string& type, std::uint64_t target, const std::string& more = "") {
  return "{\"type\":\"" + type + "\",\"target\":" + std::to_string(target) + more + "}";
}

TEST_F(FoldedRequests, history_tells_what_was_said_of_each_message) {
  store({{.seq = 1, .content = R"({"text":"one"})"},
         {.seq = 2, .content = R"({"text":"two"})"},
         {.seq = 3, .from = "bob", .content = R"({"text":"re","thread":1})"},
         {.seq = 4, .type = "edit", .content = about("edit", 1, R"(,"text":"uno")")},
         {.seq = 5, .from = "bob", .type = "reaction", .content = about("reaction", 1, R"(,"key":"+1")")},
         {.seq = 6, .type = "delete", .content = about("delete", 2)}});
  auto told = messages("history");
  ASSERT_EQ(told.size(), 6u);
  EXPECT_EQ(told[1]["content"], (Json{{"text", "uno"}}));
  EXPECT_EQ(told[1]["edited"]["seq"], 4);
  EXPECT_EQ(told[1]["reactions"], Json::parse(R"([{"key":"+1","count":1,"users":["bob"]}])"));
  EXPECT_EQ(told[1]["thread"], Json::parse(R"({"replies":1,"last_seq":3})"));
  EXPECT_EQ(told[2]["content"], Json::object());
  EXPECT_EQ(told[2]["deleted"]["by"], "alice");
  EXPECT_EQ(told[4]["content"]["text"], "uno");
  EXPECT_EQ(messages("history", {{"before", 2}})[1]["edited"]["seq"], 4);
}

TEST_F(FoldedRequests, sync_gives_the_rows) {
  store({{.seq = 1, .content = R"({"text":"one"})"},
         {.seq = 2, .content = R"({"text":"two"})"},
         {.seq = 3, .type = "edit", .content = about("edit", 1, R"(,"text":"uno")")},
         {.seq = 4, .type = "delete", .content = about("delete", 2)}});
  auto lab = ok("carol", "sync", {{"rooms", {{"lab", {{"since", 0}}}}}})["rooms"]["lab"]["messages"];
  EXPECT_EQ(lab[0]["content"]["text"], "one");
  EXPECT_FALSE(lab[0].contains("edited"));
  EXPECT_EQ(lab[1]["content"], Json::object());
  EXPECT_EQ(lab[1]["deleted"]["seq"], 4);
}

TEST_F(FoldedRequests, a_thread_is_read_page_by_page) {
  store({{.seq = 1, .content = R"({"text":"root"})"},
         {.seq = 2, .content = R"({"text":"other"})"},
         {.seq = 3, .from = "bob", .content = R"({"text":"first","thread":1})"},
         {.seq = 4, .from = "bob", .content = R"({"text":"second","thread":1})"},
         {.seq = 5, .from = "bob", .type = "edit", .content = about("edit", 3, R"(,"text":"1st")")}});
  auto told = messages("thread", {{"thread", 1}, {"limit", 2}});
  EXPECT_EQ(told.size(), 2u);
  EXPECT_EQ(told[1]["thread"]["replies"], 2);
  EXPECT_EQ(told[3]["content"], Json::parse(R"({"text":"1st","thread":1})"));
  EXPECT_EQ(page_["more"], true);
  EXPECT_EQ(page_["thread"], 1);
  EXPECT_EQ(page_["through"], 5);
  EXPECT_EQ(messages("thread", {{"thread", 1}, {"after", 3}}).begin()->first, 4u);
  EXPECT_EQ(page_["more"], false);
  EXPECT_TRUE(messages("thread", {{"thread", 99}}).empty());
}

TEST_F(FoldedRequests, a_thread_is_for_those_who_may_read_the_room) {
  store({{.seq = 1}});
  EXPECT_EQ(refused("dave", "thread", {{"room", "lab"}, {"thread", 1}}), "not_a_member");
  EXPECT_EQ(ok("root", "thread", {{"room", "lab"}, {"thread", 1}})["messages"].size(), 1u);
  EXPECT_EQ(refused("carol", "thread", {{"room", "lab"}}), "invalid_argument");
  EXPECT_EQ(refused("carol", "thread", {{"room", "lab"}, {"thread", 0}}), "invalid_argument");
}

TEST_F(FoldedRequests, what_grows_by_an_edit_still_fits_a_reply) {
  std::vector<Records::Said> said;
  for (std::uint64_t seq = 1; seq <= 10; ++seq) said.push_back({.seq = seq, .content = R"({"text":"x"})"});
  for (std::uint64_t seq = 11; seq <= 20; ++seq)
    said.push_back({.seq = seq,
                    .type = "edit",
                    .content = about("edit", seq - 10, ",\"text\":\"" + std::string(60'000, 'y') + "\"")});
  store(said);
  auto oldest = messages("history", {{"after", 0}, {"limit", 10}});
  EXPECT_EQ(oldest.begin()->first, 1u);
  EXPECT_EQ(oldest.size(), 4u);
  EXPECT_EQ(page_["more"], true);
  auto newest = messages("history", {{"before", 11}, {"limit", 10}});
  EXPECT_EQ(newest.rbegin()->first, 10u);
  EXPECT_EQ(newest.size(), 4u);
  EXPECT_EQ(page_["more"], true);
}

}  // namespace
}  // namespace parley::backend
