#include "backend/requests/requests_test.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class InvitationRequests : public RequestsTest {
 protected:
  Json invite(const std::string& user, const std::string& by = "alice") {
    return ok(by, "member.invite", {{"room", "lab"}, {"user", user}});
  }
  Json link(const Json& extra = Json::object()) {
    Json params = {{"room", "lab"}};
    params.update(extra);
    return ok("alice", "link.create", params);
  }
  // topic and payload of what was published, in order.
  std::vector<std::pair<std::string, Json>> published() {
    std::vector<std::pair<std::string, Json>> all;
    for (const auto& message : publisher_.take())
      all.emplace_back(message.topic, Json::parse(message.payload));
    return all;
  }
};

TEST_F(InvitationRequests, who_is_invited_is_told_and_comes_in_when_they_like) {
  make_lab();
  auto invitation = invite("dave", "bob");
  EXPECT_EQ(invitation["by"], "bob");
  EXPECT_EQ(invitation["role"], "member");
  EXPECT_EQ(invitation["expires_at"].get<std::int64_t>() - invitation["at"].get<std::int64_t>(),
            30ll * 24 * 3600 * 1000);
  auto notices = published();
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_EQ(notices[0].first, "users/dave/inbox");
  EXPECT_EQ(notices[0].second["type"], "invited");
  EXPECT_EQ(notices[0].second["title"], "The lab");
  EXPECT_EQ(ok("dave", "invite.list")["invitations"], Json::array({invitation}));
  EXPECT_EQ(ok("bob", "invite.list", {{"room", "lab"}})["invitations"], Json::array({invitation}));
  EXPECT_EQ(refused("dave", "room.get", {{"room", "lab"}}), "not_a_member");
  auto joined = ok("dave", "invite.accept", {{"room", "lab"}});
  EXPECT_EQ(joined["role"], "member");
  EXPECT_EQ(joined["members"], 4);
  EXPECT_EQ(Json::parse(newest_entries()[0].content),
            (Json{{"action", "joined"}, {"user", "dave"}, {"role", "member"}}));
  EXPECT_THAT(ok("dave", "invite.list")["invitations"], IsEmpty());
  EXPECT_EQ(refused("dave", "invite.accept", {{"room", "lab"}}), "not_found");
}

TEST_F(InvitationRequests, moderators_invite_and_owners_alone_invite_moderators) {
  make_lab();
  Json params = {{"room", "lab"}, {"user", "dave"}, {"role", "moderator"}};
  EXPECT_EQ(refused("carol", "member.invite", {{"room", "lab"}, {"user", "dave"}}), "not_allowed");
  EXPECT_EQ(refused("bob", "member.invite", params), "not_allowed");
  EXPECT_EQ(refused("dave", "member.invite", params), "not_a_member");
  EXPECT_EQ(refused("carol", "invite.list", {{"room", "lab"}}), "not_allowed");
  ok("alice", "member.invite", params);
  EXPECT_EQ(ok("dave", "invite.accept", {{"room", "lab"}})["role"], "moderator");
}

TEST_F(InvitationRequests, some_are_not_to_be_invited) {
  make_lab();
  auto why_not = [&](const std::string& user) {
    return refused("alice", "member.invite", {{"room", "lab"}, {"user", user}});
  };
  EXPECT_EQ(why_not("carol"), "already_exists");
  EXPECT_EQ(why_not("zoe"), "not_found");
  ok("alice", "member.ban", {{"room", "lab"}, {"user", "dave"}});
  EXPECT_EQ(why_not("dave"), "banned");
  ok("alice", "member.unban", {{"room", "lab"}, {"user", "dave"}});
  ok("root", "user.disable", {{"user", "dave"}});
  EXPECT_EQ(why_not("dave"), "disabled");
  auto chat = ok("alice", "room.direct", {{"user", "bob"}})["room"];
  EXPECT_EQ(refused("root", "member.invite", {{"room", chat}, {"user", "carol"}}), "not_allowed");
}

TEST_F(InvitationRequests, a_declined_invitation_is_over_and_told_to_who_made_it) {
  make_lab();
  invite("dave");
  publisher_.take();
  ok("dave", "invite.decline", {{"room", "lab"}});
  auto notices = published();
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_EQ(notices[0].first, "users/alice/inbox");
  EXPECT_EQ(notices[0].second, (Json{{"type", "declined"}, {"room", "lab"}, {"user", "dave"}}));
  EXPECT_EQ(refused("dave", "invite.accept", {{"room", "lab"}}), "not_found");
  EXPECT_EQ(refused("dave", "invite.decline", {{"room", "lab"}}), "not_found");
}

TEST_F(InvitationRequests, an_invitation_ends_when_it_is_revoked_too_old_or_banned_away) {
  make_lab();
  invite("dave");
  EXPECT_EQ(refused("carol", "invite.revoke", {{"room", "lab"}, {"user", "dave"}}), "not_allowed");
  ok("bob", "invite.revoke", {{"room", "lab"}, {"user", "dave"}});
  EXPECT_EQ(refused("bob", "invite.revoke", {{"room", "lab"}, {"user", "dave"}}), "not_found");
  EXPECT_EQ(refused("dave", "invite.accept", {{"room", "lab"}}), "not_found");
  invite("dave");
  clock_.advance(std::chrono::hours(30 * 24));
  EXPECT_EQ(refused("dave", "invite.accept", {{"room", "lab"}}), "not_found");
  invite("dave");
  ok("alice", "member.ban", {{"room", "lab"}, {"user", "dave"}});
  ok("alice", "member.unban", {{"room", "lab"}, {"user", "dave"}});
  EXPECT_EQ(refused("dave", "invite.accept", {{"room", "lab"}}), "not_found");
}

TEST_F(InvitationRequests, a_stranger_can_not_tell_a_room_without_an_invitation_from_none) {
  make_lab();
  for (const char* room : {"lab", "nowhere"})
    for (const char* method : {"invite.accept", "invite.decline"}) {
      auto reply = call("dave", method, {{"room", room}});
      EXPECT_EQ(reply.code, "not_found");
      EXPECT_EQ(reply.message, "You have no invitation to a room of this name.");
    }
}

TEST_F(InvitationRequests, a_link_lets_in_whoever_holds_it) {
  make_lab();
  auto made = link({{"uses", 2}, {"expires_in", 60}});
  auto code = made["code"].get<std::string>();
  EXPECT_TRUE(code.starts_with("plj_"));
  EXPECT_EQ(code.size(), 28u);
  EXPECT_EQ(made["uses_left"], 2);
  auto joined = ok("dave", "link.join", {{"code", code}});
  EXPECT_EQ(joined["room"], "lab");
  EXPECT_EQ(joined["role"], "member");
  EXPECT_EQ(refused("dave", "link.join", {{"code", code}}), "already_exists");
  auto links = ok("bob", "link.list", {{"room", "lab"}})["links"];
  ASSERT_EQ(links.size(), 1u);
  EXPECT_EQ(links[0]["uses"], 1);
  EXPECT_EQ(links[0]["uses_left"], 1);
  EXPECT_FALSE(links[0].contains("code"));
  ok("root", "link.join", {{"code", code}});
  ok("dave", "room.leave", {{"room", "lab"}});
  EXPECT_EQ(refused("dave", "link.join", {{"code", code}}), "not_found");
}

TEST_F(InvitationRequests, as_many_come_in_at_once_as_a_link_says) {
  make_lab();
  std::vector<std::string> users;
  for (int i = 0; i < 10; ++i) {
    users.push_back("guest" + std::to_string(i));
    ASSERT_TRUE(stores_.users->create({.name = users.back(), .title = "", .scram = ""}));
  }
  Json request = {{"id", "r1"}, {"code", link({{"uses", 3}})["code"]}};
  std::vector<std::future<std::string>> replies;
  for (const auto& user : users) replies.push_back(send(user, "link.join", request.dump()));
  int in = 0;
  for (auto& reply : replies) in += wire::parse_reply(reply.get())->ok;
  EXPECT_EQ(in, 3);
  EXPECT_EQ(room("lab").members, 6u);
}

TEST_F(InvitationRequests, a_link_ends_by_time_by_revoking_and_for_the_banned) {
  make_lab();
  auto timed = link({{"expires_in", 60}}), other = link();
  ok("alice", "member.ban", {{"room", "lab"}, {"user", "dave"}});
  EXPECT_EQ(refused("dave", "link.join", {{"code", other["code"]}}), "banned");
  ok("alice", "member.unban", {{"room", "lab"}, {"user", "dave"}});
  clock_.advance(std::chrono::seconds(60));
  EXPECT_EQ(refused("dave", "link.join", {{"code", timed["code"]}}), "not_found");
  Json named = {{"room", "lab"}, {"link_id", other["link_id"]}};
  EXPECT_EQ(refused("carol", "link.revoke", named), "not_allowed");
  ok("bob", "link.revoke", named);
  EXPECT_EQ(refused("bob", "link.revoke", named), "not_found");
  EXPECT_EQ(refused("dave", "link.join", {{"code", other["code"]}}), "not_found");
  EXPECT_EQ(refused("dave", "link.join", {{"code", "plj_x"}}), "not_found");
}

TEST_F(InvitationRequests, links_are_for_moderators_to_make) {
  make_lab();
  for (const char* method : {"link.create", "link.list"}) {
    EXPECT_EQ(refused("carol", method, {{"room", "lab"}}), "not_allowed") << method;
    EXPECT_EQ(refused("dave", method, {{"room", "lab"}}), "not_a_member") << method;
  }
  EXPECT_EQ(refused("alice", "link.create", {{"room", "lab"}, {"uses", 0}}), "invalid_argument");
  EXPECT_EQ(refused("alice", "link.create", {{"room", "lab"}, {"expires_in", 0}}), "invalid_argument");
}

TEST_F(InvitationRequests, public_rooms_are_found_by_what_they_are_called) {
  make_lab({{"public", true}, {"title", "Das Labor Ä"}});
  ok("bob", "room.create", {{"room", "hall"}, {"public", true}});
  ok("bob", "room.create", {{"room", "labyrinth"}});
  auto found = [&](const Json& params) {
    std::vector<std::string> names;
    auto result = ok("dave", "room.search", params);
    for (const auto& room : result["rooms"]) names.push_back(room["room"]);
    return names;
  };
  EXPECT_THAT(found({{"query", "LAB"}}), ElementsAre("lab"));
  EXPECT_THAT(found({{"query", "labor ä"}}), ElementsAre("lab"));
  EXPECT_THAT(found({{"query", "a"}}), ElementsAre("hall", "lab"));
  EXPECT_THAT(found({{"query", "a"}, {"after", "hall"}}), ElementsAre("lab"));
  EXPECT_EQ(ok("dave", "room.search", {{"query", "a"}, {"limit", 1}})["more"], true);
  EXPECT_THAT(found({{"query", "nothing"}}), IsEmpty());
  EXPECT_EQ(refused("dave", "room.search", {{"query", ""}}), "invalid_argument");
}

}  // namespace
}  // namespace parley::backend
