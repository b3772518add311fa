#include "backend/requests/audit_trail.h"
#include "backend/requests/requests_test.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class AuditRequests : public RequestsTest {
 protected:
  Json acts(const Json& params = Json::object()) { return ok("root", "audit.list", params)["acts"]; }
  std::vector<std::string> actions(const Json& params = Json::object()) {
    std::vector<std::string> lines;
    for (const auto& act : acts(params))
      lines.push_back(act["actor"].get<std::string>() + " " + act["action"].get<std::string>() + " " +
                      act["outcome"].get<std::string>());
    return lines;
  }
};

TEST_F(AuditRequests, an_act_tells_who_what_on_whom_and_when) {
  make_lab();
  ok("bob", "member.mute", {{"room", "lab"}, {"user", "carol"}, {"for_s", 60}});
  auto list = acts();
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0], (Json{{"id", list[0]["id"]},
                           {"at", to_ms(clock_.wall())},
                           {"actor", "bob"},
                           {"action", "member.mute"},
                           {"room", "lab"},
                           {"user", "carol"},
                           {"outcome", "ok"},
                           {"details", {{"for_s", 60}}}}));
}

TEST_F(AuditRequests, it_tells_from_where_when_the_broker_does) {
  make_lab();
  send("bob", "member.ban",
       R"({"id":"r1","room":"lab","user":"carol","$from":{"device":"desk","address":"10.0.0.7"}})")
      .get();
  auto list = acts();
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0]["device"], "desk");
  EXPECT_EQ(list[0]["address"], "10.0.0.7");
  EXPECT_EQ(list[0]["details"], Json::object());
}

TEST_F(AuditRequests, secrets_and_contents_are_not_kept) {
  make_lab();
  ok("root", "user.passwd", {{"user", "dave"}, {"password", "a very secret one"}});
  auto entry = Json{{"from", "zed"}, {"ref", "1"}, {"sent_at", 1}, {"content", {{"text", "a private word"}}}};
  ok("root", "append", {{"room", "lab"}, {"entries", {entry}}});
  auto text = acts().dump();
  EXPECT_EQ(text.find("secret"), std::string::npos);
  EXPECT_EQ(text.find("private"), std::string::npos);
  EXPECT_THAT(actions(), ElementsAre("root append asked", "root user.passwd ok"));
}

TEST_F(AuditRequests, what_somebody_may_not_do_is_recorded_and_what_is_wrong_is_not) {
  make_lab();
  EXPECT_EQ(refused("carol", "member.ban", {{"room", "lab"}, {"user", "bob"}}), "not_allowed");
  EXPECT_EQ(refused("dave", "room.delete", {{"room", "lab"}}), "not_a_member");
  EXPECT_EQ(refused("dave", "user.create", {{"user", "zed"}}), "not_allowed");
  EXPECT_EQ(refused("root", "user.create", {{"user", "a b"}}), "invalid_name");
  EXPECT_EQ(refused("alice", "member.unban", {{"room", "lab"}, {"user", "bob"}}), "not_found");
  EXPECT_THAT(actions(), ElementsAre("dave user.create not_allowed", "dave room.delete not_a_member",
                                     "carol member.ban not_allowed"));
}

TEST_F(AuditRequests, one_who_tries_all_day_does_not_fill_it) {
  make_lab();
  for (int i = 0; i < AuditTrail::kRefusalsPerMinute + 20; ++i)
    refused("dave", "room.delete", {{"room", "lab"}});
  EXPECT_EQ(acts({{"limit", 1000}}).size(), static_cast<std::size_t>(AuditTrail::kRefusalsPerMinute));
  clock_.advance(std::chrono::minutes(1));
  refused("dave", "room.delete", {{"room", "lab"}});
  EXPECT_EQ(acts({{"limit", 1000}}).size(), static_cast<std::size_t>(AuditTrail::kRefusalsPerMinute) + 1);
}

TEST_F(AuditRequests, what_people_do_among_themselves_is_no_administrative_act) {
  make_lab({{"public", true}});
  ok("dave", "room.join", {{"room", "lab"}});
  ok("dave", "room.leave", {{"room", "lab"}});
  ok("alice", "room.direct", {{"user", "bob"}});
  EXPECT_THAT(actions(), IsEmpty());
}

TEST_F(AuditRequests, every_method_that_is_audited_leaves_its_act) {
  make_lab();
  ok("root", "user.create", {{"user", "zed"}});
  ok("root", "user.update", {{"user", "zed"}, {"title", "Z"}});
  ok("root", "user.disable", {{"user", "zed"}});
  auto token = ok("root", "token.create", {{"user", "dave"}});
  ok("root", "token.revoke", {{"token_id", token["id"]}});
  ok("alice", "room.update", {{"room", "lab"}, {"title", "New"}});
  for (const char* method : {"member.invite", "invite.revoke", "member.add", "member.mute", "member.unmute",
                             "member.remove", "member.ban", "member.unban"})
    ok("alice", method, {{"room", "lab"}, {"user", "dave"}});
  ok("alice", "member.role", {{"room", "lab"}, {"user", "carol"}, {"role", "reader"}});
  auto link = ok("alice", "link.create", {{"room", "lab"}});
  ok("alice", "link.revoke", {{"room", "lab"}, {"link_id", link["link_id"]}});
  ok("root", "session.kick", {{"user", "bob"}});
  ok("root", "ban.add", {{"user", "bob"}});
  ok("root", "ban.remove", {{"user", "bob"}});
  ok("alice", "room.delete", {{"room", "lab"}});
  std::vector<std::string> done;
  for (const auto& act : acts()) done.insert(done.begin(), act["action"]);
  EXPECT_THAT(done, ElementsAre("user.create", "user.update", "user.disable", "token.create", "token.revoke",
                                "room.update", "member.invite", "invite.revoke", "member.add", "member.mute",
                                "member.unmute", "member.remove", "member.ban", "member.unban", "member.role",
                                "link.create", "link.revoke", "session.kick", "ban.add", "ban.remove",
                                "room.delete"));
  EXPECT_EQ(acts().dump().find(link["code"].get<std::string>()), std::string::npos);
  EXPECT_EQ(acts().dump().find(token["token"].get<std::string>()), std::string::npos);
}

TEST_F(AuditRequests, administrators_read_it_filtered_and_in_pages) {
  make_lab();
  auto begun = to_ms(clock_.wall());
  clock_.advance(std::chrono::seconds(1));
  for (const char* user : {"carol", "bob"}) ok("alice", "member.remove", {{"room", "lab"}, {"user", user}});
  ok("root", "user.disable", {{"user", "bob"}});
  EXPECT_EQ(refused("alice", "audit.list"), "not_allowed");
  EXPECT_THAT(actions({{"room", "lab"}}), ElementsAre("alice member.remove ok", "alice member.remove ok"));
  EXPECT_THAT(actions({{"user", "bob"}}), ElementsAre("root user.disable ok", "alice member.remove ok"));
  EXPECT_THAT(actions({{"actor", "root"}}), ElementsAre("root user.disable ok"));
  EXPECT_THAT(actions({{"since", begun + 1001}}), IsEmpty());
  auto page = ok("root", "audit.list", {{"limit", 2}});
  EXPECT_TRUE(page["more"]);
  auto rest = ok("root", "audit.list", {{"limit", 2}, {"before", page["acts"][1]["id"]}});
  EXPECT_EQ(rest["acts"].size(), 1u);
  EXPECT_FALSE(rest["more"]);
}

TEST_F(AuditRequests, old_acts_are_forgotten) {
  auto short_memory = options();
  short_memory.rules->set({.scram_iterations = 2, .audit_kept = std::chrono::hours(24)});
  restart_with(short_memory);
  ok("root", "user.create", {{"user", "zed"}});
  clock_.advance(std::chrono::hours(25));
  ok("root", "user.disable", {{"user", "zed"}});
  EXPECT_THAT(actions(), ElementsAre("root user.disable ok"));
}

}  // namespace
}  // namespace parley::backend
