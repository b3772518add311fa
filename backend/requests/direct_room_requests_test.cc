#include "backend/requests/direct_room.h"
#include "backend/requests/requests_test.h"

namespace parley::backend {
namespace {

class DirectRoomRequests : public RequestsTest {};

TEST_F(DirectRoomRequests, the_name_is_the_same_from_both_sides_and_nobody_elses) {
  EXPECT_EQ(direct_room_name("alice", "Bob"), direct_room_name("bob", "ALICE"));
  EXPECT_NE(direct_room_name("alice", "bob"), direct_room_name("alice", "bobb"));
  EXPECT_NE(direct_room_name("a-b", "c"), direct_room_name("a", "b-c"));
  EXPECT_TRUE(wire::valid_name(direct_room_name("alice", "bob")));
  EXPECT_TRUE(is_direct_room_name(direct_room_name("alice", "bob")));
  EXPECT_FALSE(is_direct_room_name("dm-us"));
  EXPECT_FALSE(is_direct_room_name("dm-" + std::string(32, 'x')));
}

TEST_F(DirectRoomRequests, two_people_have_one_chat_whoever_begins) {
  auto chat = ok("alice", "room.direct", {{"user", "bob"}});
  EXPECT_EQ(chat["kind"], "direct");
  EXPECT_EQ(chat["role"], "member");
  EXPECT_EQ(chat["peer"], "bob");
  EXPECT_EQ(chat["members"], 2);
  auto published = publisher_.take();
  ASSERT_EQ(published.size(), 1u);
  EXPECT_EQ(published[0].topic, "users/bob/inbox");
  EXPECT_EQ(Json::parse(published[0].payload), (Json{{"type", "added"},
                                                     {"room", chat["room"]},
                                                     {"kind", "direct"},
                                                     {"role", "member"},
                                                     {"by", "alice"}}));
  auto same = ok("bob", "room.direct", {{"user", "alice"}});
  EXPECT_EQ(same["room"], chat["room"]);
  EXPECT_EQ(same["peer"], "alice");
  EXPECT_EQ(ok("alice", "room.direct", {{"user", "bob"}}), chat);
  EXPECT_NE(ok("alice", "room.direct", {{"user", "carol"}})["room"], chat["room"]);
}

TEST_F(DirectRoomRequests, both_beginning_at_once_get_the_same) {
  std::vector<std::future<std::string>> replies;
  for (int i = 0; i < 10; ++i) {
    replies.push_back(send("alice", "room.direct", R"({"id":"r1","user":"bob"})"));
    replies.push_back(send("bob", "room.direct", R"({"id":"r1","user":"alice"})"));
  }
  std::set<std::string> rooms;
  for (auto& reply : replies) rooms.insert(wire::parse_reply(reply.get())->result["room"]);
  EXPECT_EQ(rooms.size(), 1u);
  EXPECT_EQ(stores_.rooms->count(), 1u);
}

TEST_F(DirectRoomRequests, it_says_with_whom_wherever_the_room_is_told) {
  auto room = ok("alice", "room.direct", {{"user", "bob"}})["room"];
  EXPECT_EQ(ok("alice", "room.get", {{"room", room}})["peer"], "bob");
  EXPECT_EQ(ok("bob", "room.list")["rooms"][0]["peer"], "alice");
  EXPECT_FALSE(ok("root", "room.get", {{"room", room}}).contains("peer"));
  EXPECT_EQ(refused("carol", "room.get", {{"room", room}}), "not_a_member");
}

TEST_F(DirectRoomRequests, nobody_is_put_in_taken_out_or_leaves) {
  auto room = ok("alice", "room.direct", {{"user", "bob"}})["room"];
  for (const char* user : {"alice", "root"}) {
    EXPECT_EQ(refused(user, "member.add", {{"room", room}, {"user", "carol"}}), "not_allowed") << user;
    EXPECT_EQ(refused(user, "member.remove", {{"room", room}, {"user", "bob"}}), "not_allowed") << user;
    EXPECT_EQ(refused(user, "member.ban", {{"room", room}, {"user", "bob"}}), "not_allowed") << user;
    EXPECT_EQ(refused(user, "member.role", {{"room", room}, {"user", "bob"}, {"role", "owner"}}),
              "not_allowed")
        << user;
    EXPECT_EQ(refused(user, "room.update", {{"room", room}, {"public", true}}), "not_allowed") << user;
  }
  EXPECT_EQ(refused("alice", "room.leave", {{"room", room}}), "not_allowed");
  EXPECT_EQ(refused("alice", "room.delete", {{"room", room}}), "not_allowed");
  EXPECT_EQ(this->room(room).members, 2u);
}

TEST_F(DirectRoomRequests, an_administrator_deletes_it_and_it_begins_anew) {
  auto chat = ok("alice", "room.direct", {{"user", "bob"}});
  ok("root", "room.delete", {{"room", chat["room"]}});
  auto anew = ok("bob", "room.direct", {{"user", "alice"}});
  EXPECT_EQ(anew["room"], chat["room"]);
  EXPECT_NE(anew["epoch"], chat["epoch"]);
}

TEST_F(DirectRoomRequests, not_with_oneself_strangers_or_the_disabled) {
  EXPECT_EQ(refused("alice", "room.direct", {{"user", "alice"}}), "invalid_argument");
  EXPECT_EQ(refused("alice", "room.direct", {{"user", "zoe"}}), "not_found");
  EXPECT_EQ(refused("alice", "room.direct"), "invalid_argument");
  auto known = ok("alice", "room.direct", {{"user", "carol"}});
  for (const char* user : {"bob", "carol"}) ok("root", "user.disable", {{"user", user}});
  EXPECT_EQ(refused("alice", "room.direct", {{"user", "bob"}}), "disabled");
  EXPECT_EQ(ok("alice", "room.direct", {{"user", "carol"}})["room"], known["room"]);
}

TEST_F(DirectRoomRequests, no_other_room_takes_such_a_name) {
  auto name = direct_room_name("alice", "bob");
  EXPECT_EQ(refused("dave", "room.create", {{"room", name}}), "not_allowed");
  // One made before there were direct chats.
  ASSERT_TRUE(stores_.rooms->create({.name = name, .title = "", .members = {{"dave", wire::Role::owner}}}));
  EXPECT_EQ(refused("alice", "room.direct", {{"user", "bob"}}), "already_exists");
}

}  // namespace
}  // namespace parley::backend
