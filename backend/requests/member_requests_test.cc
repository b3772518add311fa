#include "backend/requests/requests_test.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class MemberRequests : public RequestsTest {
 protected:
  void SetUp() override {
    RequestsTest::SetUp();
    make_lab();
  }
  static Json of(const std::string& user) { return {{"room", "lab"}, {"user", user}}; }
  static Json as(const std::string& user, const std::string& role) {
    return {{"room", "lab"}, {"user", user}, {"role", role}};
  }
  Json newest_content() { return Json::parse(newest_entries().at(0).content); }
  Json newest_notice() {
    auto published = publisher_.take();
    return published.empty() ? Json() : Json::parse(published.back().payload);
  }
  std::vector<std::string> list(const std::string& user, const Json& extra = Json::object()) {
    Json params = {{"room", "lab"}};
    params.update(extra);
    std::vector<std::string> names;
    auto result = ok(user, "member.list", params);
    for (const auto& item : result["members"]) names.push_back(item["user"]);
    return names;
  }
};

TEST_F(MemberRequests, moderators_add_members) {
  auto added = ok("bob", "member.add", of("dave"));
  EXPECT_EQ(added,
            (Json{{"room", "lab"}, {"user", "dave"}, {"role", "member"}, {"since", to_ms(clock_.wall())}}));
  EXPECT_EQ(newest_content(), (Json{{"action", "added"}, {"user", "dave"}, {"role", "member"}}));
  EXPECT_EQ(newest_entries()[0].from, "bob");
  EXPECT_EQ(newest_entries()[0].role, "moderator");
  EXPECT_EQ(newest_notice(), (Json{{"type", "added"}, {"room", "lab"}, {"role", "member"}, {"by", "bob"}}));
  EXPECT_THAT(events_.take(), ElementsAre("changed " + std::to_string(room("lab").id)));
}

TEST_F(MemberRequests, only_owners_add_moderators_and_owners) {
  EXPECT_EQ(refused("bob", "member.add", as("dave", "moderator")), "not_allowed");
  EXPECT_EQ(refused("bob", "member.add", as("dave", "owner")), "not_allowed");
  EXPECT_EQ(refused("carol", "member.add", of("dave")), "not_allowed");
  EXPECT_EQ(ok("bob", "member.add", as("dave", "reader"))["role"], "reader");
  EXPECT_EQ(ok("alice", "member.add", as("root", "moderator"))["role"], "moderator");
}

TEST_F(MemberRequests, administrators_add_whom_they_like) {
  EXPECT_EQ(ok("root", "member.add", as("dave", "owner"))["role"], "owner");
  EXPECT_EQ(newest_entries()[0].role, "");
}

TEST_F(MemberRequests, adding_needs_an_account_that_is_not_there_yet_nor_banned) {
  EXPECT_EQ(refused("alice", "member.add", of("zoe")), "not_found");
  EXPECT_EQ(refused("alice", "member.add", of("Dave")), "not_found");
  EXPECT_EQ(refused("alice", "member.add", of("carol")), "already_exists");
  EXPECT_EQ(refused("alice", "member.add", of("a b")), "invalid_name");
  EXPECT_EQ(refused("alice", "member.add", as("dave", "king")), "invalid_argument");
  EXPECT_EQ(refused("alice", "member.add", {{"room", "lab"}}), "invalid_argument");
  ok("alice", "member.ban", of("dave"));
  EXPECT_EQ(refused("alice", "member.add", of("dave")), "banned");
}

TEST_F(MemberRequests, moderators_remove_lower_roles_only) {
  ok("alice", "member.add", as("dave", "moderator"));
  EXPECT_EQ(refused("bob", "member.remove", of("dave")), "not_allowed");
  EXPECT_EQ(refused("bob", "member.remove", of("alice")), "not_allowed");
  EXPECT_EQ(refused("carol", "member.remove", of("bob")), "not_allowed");
  publisher_.take();
  EXPECT_EQ(ok("bob", "member.remove", of("carol")), Json::object());
  EXPECT_EQ(newest_content(), (Json{{"action", "removed"}, {"user", "carol"}}));
  EXPECT_EQ(newest_notice(), (Json{{"type", "removed"}, {"room", "lab"}, {"by", "bob"}}));
  EXPECT_EQ(refused("bob", "member.remove", of("carol")), "not_found");
  EXPECT_EQ(refused("bob", "member.remove", of("zoe")), "not_found");
}

TEST_F(MemberRequests, owners_remove_owners_but_not_the_last) {
  EXPECT_EQ(refused("root", "member.remove", of("alice")), "last_owner");
  EXPECT_EQ(refused("alice", "member.remove", of("alice")), "last_owner");
  ok("alice", "member.add", as("dave", "owner"));
  ok("dave", "member.remove", of("alice"));
  EXPECT_EQ(refused("alice", "room.get", {{"room", "lab"}}), "not_a_member");
}

TEST_F(MemberRequests, owners_give_roles) {
  EXPECT_EQ(refused("bob", "member.role", as("carol", "reader")), "not_allowed");
  EXPECT_EQ(ok("alice", "member.role", as("carol", "reader"))["role"], "reader");
  EXPECT_EQ(newest_content(), (Json{{"action", "role"}, {"user", "carol"}, {"role", "reader"}}));
  EXPECT_THAT(publisher_.take(), IsEmpty());
  EXPECT_EQ(ok("root", "member.role", as("bob", "owner"))["role"], "owner");
  EXPECT_EQ(ok("alice", "member.role", as("alice", "member"))["role"], "member");
  EXPECT_EQ(refused("bob", "member.role", as("bob", "member")), "last_owner");
  EXPECT_EQ(refused("bob", "member.role", as("dave", "member")), "not_found");
  EXPECT_EQ(refused("bob", "member.role", of("carol")), "invalid_argument");
}

TEST_F(MemberRequests, a_role_given_again_is_no_change) {
  auto version = *stores_.directory->version();
  EXPECT_EQ(ok("alice", "member.role", as("carol", "member"))["role"], "member");
  EXPECT_EQ(stores_.directory->version(), version);
  EXPECT_THAT(events_.take(), IsEmpty());
}

TEST_F(MemberRequests, a_ban_removes_and_stays) {
  EXPECT_EQ(ok("bob", "member.ban", of("carol")), Json::object());
  EXPECT_EQ(newest_content(), (Json{{"action", "banned"}, {"user", "carol"}}));
  EXPECT_EQ(newest_notice(), (Json{{"type", "banned"}, {"room", "lab"}, {"by", "bob"}}));
  EXPECT_EQ(refused("carol", "history", {{"room", "lab"}}), "banned");
  EXPECT_EQ(refused("carol", "room.get", {{"room", "lab"}}), "banned");
  EXPECT_EQ(refused("carol", "member.list", {{"room", "lab"}}), "banned");
  EXPECT_EQ(refused("carol", "room.leave", {{"room", "lab"}}), "banned");
  EXPECT_EQ(refused("bob", "member.ban", of("carol")), "already_exists");
  EXPECT_THAT(list("alice", {{"banned", true}}), ElementsAre("carol"));
  EXPECT_THAT(list("alice"), ElementsAre("alice", "bob"));
  EXPECT_EQ(ok("bob", "member.unban", of("carol")), Json::object());
  EXPECT_EQ(newest_content(), (Json{{"action", "unbanned"}, {"user", "carol"}}));
  EXPECT_EQ(refused("bob", "member.unban", of("carol")), "not_found");
  EXPECT_EQ(refused("carol", "room.get", {{"room", "lab"}}), "not_a_member");
}

TEST_F(MemberRequests, strangers_can_be_banned_beforehand) {
  ok("bob", "member.ban", of("dave"));
  EXPECT_TRUE(stores_.rooms->member(room("lab").id, "dave")->banned);
}

TEST_F(MemberRequests, bans_follow_roles) {
  EXPECT_EQ(refused("carol", "member.ban", of("dave")), "not_allowed");
  EXPECT_EQ(refused("carol", "member.unban", of("dave")), "not_allowed");
  EXPECT_EQ(refused("bob", "member.ban", of("alice")), "not_allowed");
  EXPECT_EQ(refused("root", "member.ban", of("alice")), "last_owner");
  EXPECT_EQ(refused("alice", "member.ban", of("alice")), "invalid_argument");
  EXPECT_EQ(refused("alice", "member.ban", of("zoe")), "not_found");
  ok("root", "member.ban", of("bob"));
}

TEST_F(MemberRequests, members_see_each_other) {
  EXPECT_THAT(list("carol"), ElementsAre("alice", "bob", "carol"));
  EXPECT_THAT(list("root"), ElementsAre("alice", "bob", "carol"));
  EXPECT_THAT(list("carol", {{"after", "alice"}, {"limit", 1}}), ElementsAre("bob"));
  auto result = ok("carol", "member.list", {{"room", "lab"}, {"limit", 1}});
  EXPECT_EQ(result["members"][0],
            (Json{{"room", "lab"}, {"user", "alice"}, {"role", "owner"}, {"since", to_ms(clock_.wall())}}));
  EXPECT_TRUE(result["more"]);
  EXPECT_EQ(refused("carol", "member.list"), "invalid_argument");
}

}  // namespace
}  // namespace parley::backend
