#include "backend/requests/requests_test.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class HistoryRequests : public RequestsTest {
 protected:
  void SetUp() override {
    RequestsTest::SetUp();
    lab_ = make_lab();
  }
  static std::vector<std::uint64_t> seqs(const Json& page) {
    std::vector<std::uint64_t> seqs;
    for (const auto& message : page["messages"]) seqs.push_back(message["seq"]);
    return seqs;
  }
  Json history(Json params) {
    params["room"] = "lab";
    return ok("carol", "history", params);
  }
  Json sync(const Json& rooms, const Json& extra = Json::object()) {
    Json params = {{"rooms", rooms}};
    params.update(extra);
    return ok("carol", "sync", params)["rooms"];
  }

  Room lab_;
};

TEST_F(HistoryRequests, an_empty_room_has_an_empty_page) {
  EXPECT_EQ(history(Json::object()), (Json{{"room", "lab"},
                                           {"epoch", lab_.epoch},
                                           {"messages", Json::array()},
                                           {"through", 0},
                                           {"first_seq", 1},
                                           {"more", false}}));
}

TEST_F(HistoryRequests, pages_go_both_ways) {
  store_messages(lab_.id, 60);
  auto newest = history(Json::object());
  EXPECT_EQ(seqs(newest).size(), 50u);
  EXPECT_EQ(seqs(newest).back(), 60u);
  EXPECT_TRUE(newest["more"]);
  EXPECT_EQ(newest["through"], 60);
  EXPECT_THAT(seqs(history({{"before", 3}})), ElementsAre(1, 2));
  EXPECT_THAT(seqs(history({{"after", 58}})), ElementsAre(59, 60));
  EXPECT_THAT(seqs(history({{"after", 0}, {"limit", 2}})), ElementsAre(1, 2));
  EXPECT_FALSE(history({{"limit", 500}})["more"]);
}

TEST_F(HistoryRequests, envelopes_are_given_byte_for_byte) {
  store_messages(lab_.id, 1);
  auto text = send("carol", "history", R"({"room":"lab"})").get();
  EXPECT_NE(text.find(R"([{"seq":1,"content":{"text":""}}])"), std::string::npos) << text;
}

TEST_F(HistoryRequests, wrong_parameters_are_named) {
  EXPECT_EQ(refused("carol", "history"), "invalid_argument");
  for (const Json& wrong :
       {Json{{"before", 3}, {"after", 1}}, Json{{"before", 0}}, Json{{"before", -1}}, Json{{"after", "x"}},
        Json{{"limit", 0}}, Json{{"limit", 501}}, Json{{"since", 1}}}) {
    auto params = wrong;
    params["room"] = "lab";
    auto reply = call("carol", "history", params);
    EXPECT_EQ(reply.code, "invalid_argument") << wrong;
    EXPECT_NE(reply.message.find(wrong.begin().key()), std::string::npos) << reply.message;
  }
}

TEST_F(HistoryRequests, administrators_read_any_room_and_the_removed_none) {
  store_messages(lab_.id, 2);
  EXPECT_THAT(seqs(ok("root", "history", {{"room", "lab"}})), ElementsAre(1, 2));
  ok("alice", "member.remove", {{"room", "lab"}, {"user", "carol"}});
  EXPECT_EQ(refused("carol", "history", {{"room", "lab"}}), "not_a_member");
  EXPECT_EQ(sync({{"lab", {{"since", 0}}}})["lab"]["error"]["code"], "not_a_member");
}

TEST_F(HistoryRequests, replies_stay_within_their_limit) {
  store_messages(lab_.id, 12, 40'000);
  auto text = send("carol", "history", R"({"room":"lab","after":0})").get();
  EXPECT_LE(text.size(), wire::kReplyMax);
  auto page = wire::parse_reply(text)->result;
  EXPECT_EQ(seqs(page).size(), 6u);
  EXPECT_TRUE(page["more"]);
}

TEST_F(HistoryRequests, sync_gives_what_came_since) {
  store_messages(lab_.id, 5);
  auto lab = sync({{"lab", {{"epoch", lab_.epoch}, {"since", 3}}}})["lab"];
  EXPECT_THAT(seqs(lab), ElementsAre(4, 5));
  EXPECT_EQ(lab["epoch"], lab_.epoch);
  EXPECT_EQ(lab["through"], 5);
  EXPECT_EQ(lab["more"], false);
  EXPECT_EQ(lab["reset"], false);
  EXPECT_THAT(seqs(sync({{"lab", {{"since", 5}}}})["lab"]), IsEmpty());
  EXPECT_TRUE(sync({{"lab", Json::object()}}, {{"limit", 2}})["lab"]["more"]);
}

TEST_F(HistoryRequests, another_epoch_begins_anew) {
  store_messages(lab_.id, 3);
  auto lab = sync({{"lab", {{"epoch", "older"}, {"since", 3}}}})["lab"];
  EXPECT_THAT(seqs(lab), ElementsAre(1, 2, 3));
  EXPECT_EQ(lab["reset"], true);
  EXPECT_EQ(lab["epoch"], lab_.epoch);
}

TEST_F(HistoryRequests, each_room_is_answered_for_itself) {
  store_messages(lab_.id, 1);
  ok("dave", "room.create", {{"room", "attic"}});
  auto rooms = sync({{"lab", {{"since", 0}}}, {"attic", {{"since", 0}}}, {"nowhere", {{"since", 0}}}});
  EXPECT_THAT(seqs(rooms["lab"]), ElementsAre(1));
  EXPECT_EQ(rooms["attic"], rooms["nowhere"]);
  EXPECT_EQ(rooms["attic"]["error"]["code"], "not_a_member");
  EXPECT_FALSE(rooms["attic"]["error"]["message"].get<std::string>().empty());
}

TEST_F(HistoryRequests, sync_is_for_members_and_administrators) {
  EXPECT_EQ(ok("dave", "sync", {{"rooms", {{"lab", {{"since", 0}}}}}})["rooms"]["lab"]["error"]["code"],
            "not_a_member");
  EXPECT_TRUE(
      ok("root", "sync", {{"rooms", {{"lab", {{"since", 0}}}}}})["rooms"]["lab"].contains("messages"));
  EXPECT_EQ(
      ok("root", "sync", {{"rooms", {{"nowhere", {{"since", 0}}}}}})["rooms"]["nowhere"]["error"]["code"],
      "not_found");
}

TEST_F(HistoryRequests, many_rooms_share_one_reply) {
  Json asked;
  for (int i = 0; i < 20; ++i) {
    auto name = "room-" + std::to_string(i);
    ok("carol", "room.create", {{"room", name}});
    store_messages(room(name).id, 3, 20'000);
    asked[name] = {{"since", 0}};
  }
  auto text = send("carol", "sync", Json{{"rooms", asked}}.dump()).get();
  EXPECT_LE(text.size(), wire::kReplyMax);
  auto rooms = wire::parse_reply(text)->result["rooms"];
  ASSERT_EQ(rooms.size(), 20u);
  std::size_t messages = 0;
  for (const auto& answer : rooms) {
    messages += answer["messages"].size();
    EXPECT_EQ(answer["more"], answer["messages"].size() < 3);
    EXPECT_EQ(answer["through"], 3);
  }
  EXPECT_EQ(messages, 12u);
}

TEST_F(HistoryRequests, a_thousand_rooms_fit_a_reply) {
  Json asked;
  for (int i = 0; i < 1000; ++i) asked[std::string(60, 'n') + std::to_string(1000 + i)] = {{"since", 0}};
  auto text = send("carol", "sync", Json{{"rooms", asked}}.dump()).get();
  EXPECT_LE(text.size(), wire::kReplyMax);
  EXPECT_EQ(wire::parse_reply(text)->result["rooms"].size(), 1000u);
}

TEST_F(HistoryRequests, one_message_larger_than_its_share_is_given_alone) {
  store_messages(lab_.id, 2, 300'000);
  auto lab = sync({{"lab", {{"since", 0}}}})["lab"];
  EXPECT_EQ(lab["messages"].size(), 1u);
  EXPECT_EQ(lab["more"], true);
}

TEST_F(HistoryRequests, sync_names_what_is_wrong) {
  EXPECT_EQ(refused("carol", "sync"), "invalid_argument");
  EXPECT_EQ(refused("carol", "sync", {{"rooms", "lab"}}), "invalid_argument");
  EXPECT_EQ(refused("carol", "sync", {{"rooms", {{"lab", 3}}}}), "invalid_argument");
  EXPECT_EQ(refused("carol", "sync", {{"rooms", {{"lab", {{"since", -1}}}}}}), "invalid_argument");
  EXPECT_EQ(refused("carol", "sync", {{"rooms", {{"lab", {{"until", 1}}}}}}), "invalid_argument");
  EXPECT_EQ(refused("carol", "sync", {{"rooms", {{"a\"b", {{"since", 1}}}}}}), "invalid_argument");
  EXPECT_EQ(sync(Json::object()), Json::object());
}

}  // namespace
}  // namespace parley::backend
