#include "backend/requests/requests_test.h"

namespace parley::backend {
namespace {

class JwtRequests : public RequestsTest {
 protected:
  std::int64_t now_ms() const { return to_ms(clock_.wall()); }
};

TEST_F(JwtRequests, an_administrator_revokes_one_or_all_of_a_users) {
  EXPECT_EQ(ok("root", "jwt.revoke", {{"jti", "a9f"}, {"until", now_ms() + 5000}}), (Json{{"kicked", 1}}));
  EXPECT_EQ(broker_.last_admin_command<wire::JwtRevoke>().jti, "a9f");
  EXPECT_EQ(broker_.last_admin_command<wire::JwtRevoke>().until, now_ms() + 5000);
  ok("root", "jwt.revoke", {{"user", "bob"}});
  EXPECT_EQ(broker_.last_admin_command<wire::JwtRevoke>().user, "bob");
  EXPECT_EQ(broker_.last_admin_command<wire::JwtRevoke>().before, now_ms());
  EXPECT_EQ(broker_.last_admin_command<wire::JwtRevoke>().until, now_ms() + 366ll * 24 * 3600 * 1000);
  ok("root", "jwt.revoke", {{"user", "bob"}, {"before", now_ms() - 9000}});
  EXPECT_EQ(broker_.last_admin_command<wire::JwtRevoke>().before, now_ms() - 9000);
}

TEST_F(JwtRequests, what_does_not_say_which_is_refused) {
  for (const Json& params :
       {Json::object(), Json{{"jti", "a"}, {"user", "bob"}}, Json{{"jti", ""}},
        Json{{"jti", "a"}, {"before", 1}}, Json{{"user", "bob"}, {"before", now_ms() + 1}},
        Json{{"jti", "a"}, {"until", now_ms() - 1}}, Json{{"jti", std::string(257, 'x')}}})
    EXPECT_EQ(refused("root", "jwt.revoke", params), "invalid_argument") << params;
  EXPECT_TRUE(broker_.admin_commands().empty());
}

TEST_F(JwtRequests, nobody_else_may) {
  EXPECT_EQ(refused("alice", "jwt.revoke", {{"user", "alice"}}), "not_allowed");
  EXPECT_EQ(refused("alice", "jwt.revoked"), "not_allowed");
}

TEST_F(JwtRequests, the_list_is_the_brokers) {
  EXPECT_EQ(ok("root", "jwt.revoked", {{"after", "jti:0"}, {"limit", 3}})["revoked"][0]["jti"], "a");
  EXPECT_EQ(broker_.last_admin_command<wire::JwtRevoked>().after, "jti:0");
  EXPECT_EQ(broker_.last_admin_command<wire::JwtRevoked>().limit, 3u);
  broker_.fail_with(Error{Errc::unavailable, "The broker is away."});
  EXPECT_EQ(refused("root", "jwt.revoked"), "unavailable");
  EXPECT_EQ(refused("root", "jwt.revoke", {{"jti", "a"}}), "unavailable");
}

}  // namespace
}  // namespace parley::backend
