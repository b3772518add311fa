#include "backend/requests/requests_test.h"
#include "tests/fakes/records.h"

// How long messages stay, legal hold, and what a reader is told of what is gone.
namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class RetentionRequests : public RequestsTest {
 protected:
  void SetUp() override {
    RequestsTest::SetUp();
    make_lab();
  }
  void expire_to_newest(std::uint64_t count) {
    const auto id = room("lab").id;
    ASSERT_TRUE(stores_.retention->expire(
        {.room_id = id, .rules = {.ceiling = {.messages = count}}, .now = {}, .rows_max = 1000}));
  }
  static std::vector<std::uint64_t> seqs(const Json& page) {
    std::vector<std::uint64_t> seqs;
    for (const auto& message : page["messages"]) seqs.push_back(message["seq"]);
    return seqs;
  }
};

TEST_F(RetentionRequests, owners_say_how_long_messages_stay) {
  auto shown = ok("alice", "room.update", {{"room", "lab"}, {"retain_s", 3600}});
  EXPECT_EQ(shown["retain_s"], 3600);
  EXPECT_FALSE(shown.contains("retain_messages"));
  EXPECT_EQ(newest_entries().back().content,
            R"({"action":"updated","retain_messages":0,"retain_s":3600,"title":"The lab"})");
  ok("root", "room.update", {{"room", "lab"}, {"retain_messages", 1000}});
  shown = ok("carol", "room.get", {{"room", "lab"}});
  EXPECT_EQ(shown["retain_s"], 3600);
  EXPECT_EQ(shown["retain_messages"], 1000);
  EXPECT_EQ(shown["first_seq"], 1);
  EXPECT_EQ(refused("bob", "room.update", {{"room", "lab"}, {"retain_s", 0}}), "not_allowed");
  EXPECT_EQ(refused("carol", "room.update", {{"room", "lab"}, {"retain_s", 0}}), "not_allowed");
  ok("bob", "room.update", {{"room", "lab"}, {"title", "Lab"}});
  shown = ok("alice", "room.update", {{"room", "lab"}, {"retain_s", 0}, {"retain_messages", 0}});
  EXPECT_FALSE(shown.contains("retain_s"));
  EXPECT_FALSE(shown.contains("retain_messages"));
}

TEST_F(RetentionRequests, a_room_can_be_made_so) {
  auto made = ok("carol", "room.create", {{"room", "den"}, {"retain_messages", 10}});
  EXPECT_EQ(made["retain_messages"], 10);
  auto listed = ok("carol", "room.list");
  EXPECT_EQ(listed["rooms"][0]["retain_messages"], 10);
  EXPECT_EQ(refused("carol", "room.create", {{"room", "den2"}, {"retain_s", -1}}), "invalid_argument");
  EXPECT_EQ(refused("carol", "room.create", {{"room", "den2"}, {"retain_messages", "many"}}),
            "invalid_argument");
}

TEST_F(RetentionRequests, the_servers_word_holds_where_a_room_says_nothing_or_too_much) {
  ok("alice", "room.update", {{"room", "lab"}, {"retain_messages", 500}});
  auto with = options();
  with.rules->set({.retention = {.fallback = {.seconds = 60}, .ceiling = {.seconds = 100, .messages = 50}}});
  restart_with(with);
  auto shown = ok("alice", "room.get", {{"room", "lab"}});
  EXPECT_EQ(shown["retain_s"], 60);
  EXPECT_EQ(shown["retain_messages"], 50);
  EXPECT_EQ(refused("alice", "room.update", {{"room", "lab"}, {"retain_s", 101}}), "invalid_argument");
  EXPECT_EQ(refused("root", "room.create", {{"room", "den"}, {"retain_messages", 51}}), "invalid_argument");
  EXPECT_EQ(ok("alice", "room.update", {{"room", "lab"}, {"retain_s", 100}})["retain_s"], 100);
}

TEST_F(RetentionRequests, of_a_direct_chat_an_administrator_says_it) {
  const auto chat = ok("alice", "room.direct", {{"user", "bob"}})["room"];
  EXPECT_EQ(refused("alice", "room.update", {{"room", chat}, {"retain_s", 5}}), "not_allowed");
  EXPECT_EQ(ok("root", "room.update", {{"room", chat}, {"retain_s", 5}})["retain_s"], 5);
  EXPECT_EQ(refused("root", "room.update", {{"room", chat}, {"title", "x"}, {"retain_s", 5}}), "not_allowed");
}

TEST_F(RetentionRequests, readers_learn_where_the_room_begins) {
  store_messages(room("lab").id, 10);
  expire_to_newest(4);
  auto page = ok("carol", "history", {{"room", "lab"}, {"after", 0}});
  EXPECT_THAT(seqs(page), ElementsAre(7, 8, 9, 10));
  EXPECT_EQ(page["first_seq"], 7);
  page = ok("carol", "history", {{"room", "lab"}, {"before", 6}});
  EXPECT_THAT(seqs(page), IsEmpty());
  EXPECT_EQ(page["first_seq"], 7);
  EXPECT_EQ(page["more"], false);
  auto synced = ok("carol", "sync", {{"rooms", {{"lab", {{"since", 3}}}}}})["rooms"]["lab"];
  EXPECT_THAT(seqs(synced), ElementsAre(7, 8, 9, 10));
  EXPECT_EQ(synced["first_seq"], 7);
  EXPECT_EQ(synced["reset"], false);
  EXPECT_EQ(ok("carol", "thread", {{"room", "lab"}, {"thread", 2}})["first_seq"], 7);
  EXPECT_EQ(ok("carol", "room.get", {{"room", "lab"}})["first_seq"], 7);
  EXPECT_EQ(ok("carol", "rooms")["rooms"][0]["first_seq"], 7);
  EXPECT_EQ(refused("bob", "message.delete", {{"room", "lab"}, {"seq", 3}}), "not_found");
}

TEST_F(RetentionRequests, administrators_hold_a_room_and_members_are_not_told) {
  const auto version = stores_.directory->version();
  EXPECT_EQ(refused("alice", "room.hold", {{"room", "lab"}, {"held", true}}), "not_allowed");
  EXPECT_EQ(refused("root", "room.hold", {{"room", "lab"}}), "invalid_argument");
  EXPECT_EQ(refused("root", "room.hold", {{"room", "nowhere"}, {"held", true}}), "not_found");
  EXPECT_EQ(ok("root", "room.hold", {{"room", "lab"}, {"held", true}, {"reason", "case 17"}})["held"], true);
  EXPECT_EQ(stores_.directory->version(), version) << "no entry, nothing for the broker";
  EXPECT_EQ(ok("root", "room.get", {{"room", "lab"}})["held"], true);
  EXPECT_FALSE(ok("alice", "room.get", {{"room", "lab"}}).contains("held"));
  EXPECT_EQ(refused("alice", "room.delete", {{"room", "lab"}}), "not_allowed");
  store_messages(room("lab").id, 10);
  expire_to_newest(4);
  EXPECT_EQ(ok("carol", "history", {{"room", "lab"}})["first_seq"], 1);
  const auto act = ok("root", "audit.list", {{"room", "lab"}})["acts"];
  EXPECT_EQ(act[1]["action"], "room.hold") << act;
  EXPECT_EQ(act[1]["details"]["reason"], "case 17") << act;
  EXPECT_FALSE(ok("root", "room.hold", {{"room", "lab"}, {"held", false}}).contains("held"));
  expire_to_newest(4);
  EXPECT_EQ(ok("carol", "history", {{"room", "lab"}})["first_seq"], 7);
}

TEST_F(RetentionRequests, what_is_kept_aside_is_for_administrators) {
  store_messages(room("lab").id, 2);
  ok("root", "room.hold", {{"room", "lab"}, {"held", true}});
  Records records;
  records.say(room("lab").id, {.seq = 3, .content = R"({"text":"secret"})"})
      .say(room("lab").id, {.seq = 4, .type = "delete", .content = R"({"type":"delete","target":3})"})
      .say(room("lab").id, {.seq = 5, .content = R"({"text":"another"})"})
      .say(room("lab").id, {.seq = 6, .type = "delete", .content = R"({"type":"delete","target":5})"});
  ASSERT_TRUE(stores_.messages->store(1, 0, 100'000, records.span()));
  EXPECT_EQ(refused("alice", "room.held", {{"room", "lab"}}), "not_allowed");
  auto page = ok("root", "room.held", {{"room", "lab"}, {"limit", 1}});
  EXPECT_THAT(seqs(page), ElementsAre(3));
  EXPECT_EQ(page["messages"][0]["content"]["text"], "secret");
  EXPECT_EQ(page["more"], true);
  page = ok("root", "room.held", {{"room", "lab"}, {"after", 3}});
  EXPECT_THAT(seqs(page), ElementsAre(5));
  EXPECT_EQ(page["more"], false);
  ok("root", "room.hold", {{"room", "lab"}, {"held", false}});
  EXPECT_THAT(seqs(ok("root", "room.held", {{"room", "lab"}})), IsEmpty());
}

TEST_F(RetentionRequests, the_status_tells_of_the_expirer) {
  auto with = options();
  with.expirer = [] {
    return ExpirerProgress{
        .active = true, .expired = 12, .rooms_due = 1, .round = from_ms(1'795'314'673'000)};
  };
  restart_with(with);
  const auto told = ok("root", "server.status")["retention"];
  EXPECT_EQ(told, (Json{{"expired", 12}, {"rooms_due", 1}, {"round", 1'795'314'673'000}}));
}

}  // namespace
}  // namespace parley::backend
