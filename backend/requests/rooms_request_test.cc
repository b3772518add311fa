#include "backend/requests/requests_test.h"
#include "tests/fakes/records.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class RoomsRequest : public RequestsTest {
 protected:
  void SetUp() override {
    RequestsTest::SetUp();
    ASSERT_TRUE(stores_.messages->begin(1, "j", std::nullopt));
    lab_ = make_lab();
  }
  void say(const std::vector<Records::Said>& said) {
    Records records;
    for (const auto& one : said) records.say(lab_.id, one);
    auto at = stores_.messages->position()->offset;
    ASSERT_TRUE(stores_.messages->store(1, at, at + 1, records.span()));
  }
  Json lab_of(const std::string& user) { return ok(user, "rooms")["rooms"][0]; }

  Room lab_;
};

TEST_F(RoomsRequest, each_room_comes_with_its_counters_and_its_last_message) {
  say({{.seq = 1, .content = R"({"text":"one"})"},
       {.seq = 2, .content = R"({"text":"@carol two"})"},
       {.seq = 3, .type = "reaction", .content = R"({"type":"reaction","target":2,"key":"+1"})"}});
  auto lab = lab_of("carol");
  EXPECT_EQ(lab["last"]["seq"], 2);
  EXPECT_EQ(lab["last"]["content"]["text"], "@carol two");
  lab.erase("last");
  EXPECT_EQ(lab, (Json{{"room", "lab"},
                       {"kind", "group"},
                       {"title", "The lab"},
                       {"role", "member"},
                       {"epoch", lab_.epoch},
                       {"last_seq", 3},
                       {"first_seq", 1},
                       {"unread", 2},
                       {"mentions", 1},
                       {"received", 0},
                       {"read", 0}}));
  const MarkRaise raise{.room_id = lab_.id, .user = "carol", .to = {.received = 3, .read = 1}};
  ASSERT_TRUE(stores_.marks->raise(std::span(&raise, 1)));
  lab = lab_of("carol");
  EXPECT_EQ(lab["unread"], 1);
  EXPECT_EQ(lab["received"], 3);
  EXPECT_EQ(lab_of("alice")["unread"], 0);
}

TEST_F(RoomsRequest, a_room_without_messages_has_no_last_one) {
  EXPECT_EQ(lab_of("carol")["last"], nullptr);
  EXPECT_THAT(ok("dave", "rooms")["rooms"], IsEmpty());
}

TEST_F(RoomsRequest, a_long_content_is_cut_at_a_character) {
  std::string text = "x";
  while (text.size() < 600) text += "é";
  say({{.seq = 1, .content = Json{{"text", text}, {"more", "x"}}.dump()}});
  auto last = lab_of("carol")["last"];
  EXPECT_EQ(last["content"], (Json{{"text", text.substr(0, 511)}}));
  EXPECT_EQ(last["cut"], true);
  say({{.seq = 2, .type = "x.blob", .content = Json{{"type", "x.blob"}, {"blob", text}}.dump()}});
  EXPECT_EQ(lab_of("carol")["last"]["content"], Json::object());
}

TEST_F(RoomsRequest, a_direct_chat_tells_with_whom_it_is) {
  auto chat = ok("alice", "room.direct", {{"user", "bob"}})["room"];
  auto rooms = ok("bob", "rooms")["rooms"];
  auto peer = [&](const Json& name) {
    for (const auto& room : rooms)
      if (room["room"] == name) return room.value("peer", "");
    return std::string("not listed");
  };
  EXPECT_EQ(peer(chat), "alice");
  EXPECT_EQ(peer("lab"), "");
}

TEST_F(RoomsRequest, pages_go_on_after_a_room) {
  for (const char* name : {"a", "b", "c"}) ok("alice", "room.create", {{"room", name}});
  auto names = [](const Json& page) {
    std::vector<std::string> names;
    for (const auto& room : page["rooms"]) names.push_back(room["room"]);
    return names;
  };
  auto first = ok("alice", "rooms", {{"limit", 2}});
  EXPECT_THAT(names(first), ElementsAre("a", "b"));
  EXPECT_TRUE(first["more"]);
  auto second = ok("alice", "rooms", {{"limit", 2}, {"after", "b"}});
  EXPECT_THAT(names(second), ElementsAre("c", "lab"));
  EXPECT_FALSE(second["more"]);
  EXPECT_EQ(refused("alice", "rooms", {{"limit", 1001}}), "invalid_argument");
}

}  // namespace
}  // namespace parley::backend
