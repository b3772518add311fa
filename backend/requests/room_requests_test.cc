#include "backend/requests/requests_test.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class RoomRequests : public RequestsTest {
 protected:
  std::vector<std::string> names(const std::string& user, const Json& params = Json::object()) {
    std::vector<std::string> names;
    auto result = ok(user, "room.list", params);
    for (const auto& item : result["rooms"]) names.push_back(item["room"]);
    return names;
  }
  std::vector<std::string> notices() {
    std::vector<std::string> notices;
    for (const auto& message : publisher_.take()) {
      auto notice = Json::parse(message.payload);
      notices.push_back(message.topic + " " + notice["type"].get<std::string>() + " " +
                        notice["room"].get<std::string>() + " by " + notice["by"].get<std::string>());
    }
    return notices;
  }
};

TEST_F(RoomRequests, a_new_room_belongs_to_who_made_it) {
  auto made = ok("alice", "room.create", {{"room", "lab"}, {"title", "The lab"}});
  EXPECT_EQ(made, (Json{{"room", "lab"},
                        {"kind", "group"},
                        {"title", "The lab"},
                        {"public", false},
                        {"epoch", room("lab").epoch},
                        {"last_seq", 0},
                        {"first_seq", 1},
                        {"members", 1},
                        {"role", "owner"}}));
  EXPECT_EQ(ok("alice", "room.get", {{"room", "lab"}}), made);
  auto entries = newest_entries();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].type, "room");
  EXPECT_EQ(entries[0].from, "alice");
  EXPECT_EQ(entries[0].role, "owner");
  EXPECT_EQ(Json::parse(entries[0].content), (Json{{"action", "created"}, {"title", "The lab"}}));
  EXPECT_EQ(broker_.versions().back(), stores_.directory->version());
}

TEST_F(RoomRequests, first_members_are_entries_of_the_room_and_get_a_notice) {
  auto made = ok("alice", "room.create",
                 {{"room", "lab"},
                  {"kind", "channel"},
                  {"public", true},
                  {"members", {{"bob", "moderator"}, {"alice", "reader"}}}});
  EXPECT_EQ(made["members"], 2);
  EXPECT_EQ(made["role"], "owner");
  EXPECT_EQ(made["kind"], "channel");
  auto entries = newest_entries();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[1].type, "member");
  EXPECT_EQ(Json::parse(entries[1].content),
            (Json{{"action", "added"}, {"user", "bob"}, {"role", "moderator"}}));
  auto published = publisher_.take();
  ASSERT_EQ(published.size(), 1u);
  EXPECT_EQ(published[0].topic, "users/bob/inbox");
  EXPECT_FALSE(published[0].retain);
  EXPECT_EQ(Json::parse(published[0].payload),
            (Json{{"type", "added"}, {"room", "lab"}, {"role", "moderator"}, {"by", "alice"}}));
  EXPECT_THAT(events_.take(), ElementsAre("changed " + std::to_string(room("lab").id)));
}

TEST_F(RoomRequests, wrong_parameters_make_no_room) {
  EXPECT_EQ(refused("alice", "room.create"), "invalid_argument");
  EXPECT_EQ(refused("alice", "room.create", {{"room", 7}}), "invalid_argument");
  EXPECT_EQ(refused("alice", "room.create", {{"room", "a b"}}), "invalid_name");
  EXPECT_EQ(refused("alice", "room.create", {{"room", "lab"}, {"kind", "direct"}}), "invalid_argument");
  EXPECT_EQ(refused("alice", "room.create", {{"room", "lab"}, {"kind", "party"}}), "invalid_argument");
  EXPECT_EQ(refused("alice", "room.create", {{"room", "lab"}, {"title", "a\nb"}}), "invalid_argument");
  EXPECT_EQ(refused("alice", "room.create", {{"room", "lab"}, {"title", std::string(201, 'x')}}),
            "invalid_argument");
  EXPECT_EQ(refused("alice", "room.create", {{"room", "lab"}, {"public", "yes"}}), "invalid_argument");
  EXPECT_EQ(refused("alice", "room.create", {{"room", "lab"}, {"members", {{"bob", "king"}}}}),
            "invalid_argument");
  EXPECT_EQ(refused("alice", "room.create", {{"room", "lab"}, {"members", {{"zoe", "member"}}}}),
            "not_found");
  EXPECT_EQ(refused("alice", "room.create", {{"room", "lab"}, {"colour", "red"}}), "invalid_argument");
  EXPECT_EQ(stores_.rooms->count(), 0u);
}

TEST_F(RoomRequests, a_name_taken_in_another_case_is_taken) {
  make_lab();
  EXPECT_EQ(refused("bob", "room.create", {{"room", "LAB"}}), "already_exists");
}

TEST_F(RoomRequests, rooms_may_be_for_administrators_to_make) {
  auto only_admins = options();
  only_admins.rules->set({.room_create = RequestRules::RoomCreate::admins});
  restart_with(only_admins);
  EXPECT_EQ(refused("alice", "room.create", {{"room", "lab"}}), "not_allowed");
  ok("root", "room.create", {{"room", "lab"}});
  only_admins.rules->set({});
  ok("alice", "room.create", {{"room", "lab2"}});
}

TEST_F(RoomRequests, strangers_learn_nothing_of_a_room) {
  make_lab();
  for (const char* name : {"lab", "nowhere"}) {
    for (const char* method :
         {"room.get", "room.update", "room.delete", "room.join", "room.leave", "member.list", "history"}) {
      Json params = {{"room", name}};
      if (method == std::string("room.update")) params["title"] = "x";
      EXPECT_EQ(refused("dave", method, params), "not_a_member") << method;
    }
    for (const char* method : {"member.add", "member.remove", "member.ban", "member.unban", "member.role"}) {
      Json params = {{"room", name}, {"user", "bob"}};
      if (method == std::string("member.role")) params["role"] = "member";
      EXPECT_EQ(refused("dave", method, params), "not_a_member") << method;
    }
  }
}

TEST_F(RoomRequests, administrators_are_told_what_does_not_exist) {
  EXPECT_EQ(refused("root", "room.get", {{"room", "nowhere"}}), "not_found");
  EXPECT_EQ(refused("root", "room.delete", {{"room", "nowhere"}}), "not_found");
  EXPECT_EQ(refused("root", "history", {{"room", "nowhere"}}), "not_found");
  make_lab();
  EXPECT_FALSE(ok("root", "room.get", {{"room", "lab"}}).contains("role"));
}

TEST_F(RoomRequests, public_rooms_are_seen_by_everyone) {
  make_lab({{"public", true}});
  auto seen = ok("dave", "room.get", {{"room", "lab"}});
  EXPECT_EQ(seen["title"], "The lab");
  EXPECT_FALSE(seen.contains("role"));
  EXPECT_EQ(refused("dave", "history", {{"room", "lab"}}), "not_a_member");
  EXPECT_EQ(refused("dave", "member.list", {{"room", "lab"}}), "not_a_member");
}

TEST_F(RoomRequests, lists_show_ones_own_public_or_all_rooms) {
  make_lab();
  ok("bob", "room.create", {{"room", "hall"}, {"public", true}});
  ok("dave", "room.create", {{"room", "attic"}});
  EXPECT_THAT(names("bob"), ElementsAre("hall", "lab"));
  EXPECT_THAT(names("alice"), ElementsAre("lab"));
  EXPECT_THAT(names("alice", {{"public", true}}), ElementsAre("hall"));
  EXPECT_EQ(refused("alice", "room.list", {{"all", true}}), "not_allowed");
  EXPECT_THAT(names("root", {{"all", true}}), ElementsAre("attic", "hall", "lab"));
  EXPECT_THAT(names("root", {{"all", true}, {"after", "attic"}, {"limit", 1}}), ElementsAre("hall"));
  EXPECT_TRUE(ok("root", "room.list", {{"all", true}, {"limit", 2}})["more"]);
  EXPECT_FALSE(ok("root", "room.list", {{"all", true}, {"limit", 3}})["more"]);
  EXPECT_EQ(refused("root", "room.list", {{"limit", 0}}), "invalid_argument");
  EXPECT_EQ(refused("root", "room.list", {{"limit", 1001}}), "invalid_argument");
  EXPECT_EQ(refused("root", "room.list", {{"all", true}, {"public", true}}), "invalid_argument");
}

TEST_F(RoomRequests, a_long_list_ends_before_a_reply_outgrows_its_limit) {
  for (int i = 0; i < 700; ++i) {
    NewRoom room{.name = "r" + std::to_string(1000 + i), .title = std::string(200, '"'), .is_public = true};
    room.members = {{"alice", wire::Role::owner}};
    ASSERT_TRUE(stores_.rooms->create(room));
  }
  auto text = send("dave", "room.list", R"({"public":true,"limit":1000})").get();
  EXPECT_LE(text.size(), wire::kReplyMax);
  auto result = wire::parse_reply(text)->result;
  EXPECT_TRUE(result["more"]);
  EXPECT_GT(result["rooms"].size(), 300u);
}

TEST_F(RoomRequests, a_renaming_takes_its_place_in_the_room) {
  auto lab = make_lab();
  auto updated = ok("bob", "room.update", {{"room", "lab"}, {"title", "New"}});
  EXPECT_EQ(updated["title"], "New");
  EXPECT_EQ(updated["role"], "moderator");
  ASSERT_EQ(newest_entries().size(), 1u);
  EXPECT_EQ(Json::parse(newest_entries()[0].content), (Json{{"action", "renamed"}, {"title", "New"}}));
  EXPECT_EQ(newest_entries()[0].role, "moderator");
  EXPECT_THAT(events_.take(), ElementsAre("changed " + std::to_string(lab.id)));
  ok("root", "room.update", {{"room", "lab"}, {"public", true}});
  EXPECT_EQ(Json::parse(newest_entries()[0].content), (Json{{"action", "updated"}, {"title", "New"}}));
  EXPECT_EQ(newest_entries()[0].from, "root");
  EXPECT_EQ(newest_entries()[0].role, "");
}

TEST_F(RoomRequests, an_update_that_changes_nothing_is_no_change) {
  make_lab();
  auto version = *stores_.directory->version();
  ok("alice", "room.update", {{"room", "lab"}, {"title", "The lab"}, {"public", false}});
  EXPECT_EQ(stores_.directory->version(), version);
  EXPECT_EQ(refused("alice", "room.update", {{"room", "lab"}}), "invalid_argument");
  EXPECT_EQ(refused("carol", "room.update", {{"room", "lab"}, {"title", "x"}}), "not_allowed");
}

TEST_F(RoomRequests, owners_delete_rooms_and_members_are_told) {
  auto lab = make_lab();
  EXPECT_EQ(refused("bob", "room.delete", {{"room", "lab"}}), "not_allowed");
  EXPECT_EQ(ok("alice", "room.delete", {{"room", "lab"}}), Json::object());
  EXPECT_THAT(events_.take(), ElementsAre("deleted " + std::to_string(lab.id) + " lab"));
  EXPECT_THAT(notices(), UnorderedElementsAre("users/bob/inbox removed lab by alice",
                                              "users/carol/inbox removed lab by alice"));
  EXPECT_EQ(refused("alice", "room.get", {{"room", "lab"}}), "not_a_member");
  ok("dave", "room.create", {{"room", "lab"}});
  ok("root", "room.delete", {{"room", "lab"}});
}

TEST_F(RoomRequests, anybody_joins_a_public_room) {
  make_lab({{"public", true}});
  auto joined = ok("dave", "room.join", {{"room", "lab"}});
  EXPECT_EQ(joined["role"], "member");
  EXPECT_EQ(joined["members"], 4);
  ASSERT_EQ(newest_entries().size(), 1u);
  EXPECT_EQ(newest_entries()[0].from, "dave");
  EXPECT_EQ(Json::parse(newest_entries()[0].content),
            (Json{{"action", "joined"}, {"user", "dave"}, {"role", "member"}}));
  EXPECT_THAT(notices(), IsEmpty());
  EXPECT_EQ(refused("dave", "room.join", {{"room", "lab"}}), "already_exists");
}

TEST_F(RoomRequests, the_banned_do_not_join) {
  make_lab({{"public", true}});
  ok("alice", "member.ban", {{"room", "lab"}, {"user", "dave"}});
  EXPECT_EQ(refused("dave", "room.join", {{"room", "lab"}}), "banned");
}

TEST_F(RoomRequests, members_leave_when_they_like) {
  make_lab();
  EXPECT_EQ(ok("carol", "room.leave", {{"room", "lab"}}), Json::object());
  EXPECT_EQ(Json::parse(newest_entries()[0].content), (Json{{"action", "left"}, {"user", "carol"}}));
  EXPECT_EQ(newest_entries()[0].role, "member");
  EXPECT_EQ(room("lab").members, 2u);
  EXPECT_EQ(refused("carol", "room.leave", {{"room", "lab"}}), "not_a_member");
}

TEST_F(RoomRequests, the_last_owner_leaves_nobody_behind) {
  make_lab();
  EXPECT_EQ(refused("alice", "room.leave", {{"room", "lab"}}), "last_owner");
  ok("bob", "room.leave", {{"room", "lab"}});
  ok("carol", "room.leave", {{"room", "lab"}});
  ok("alice", "room.leave", {{"room", "lab"}});
  EXPECT_EQ(room("lab").members, 0u);
}

}  // namespace
}  // namespace parley::backend
