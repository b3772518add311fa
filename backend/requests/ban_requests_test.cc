#include "backend/requests/requests_test.h"

namespace parley::backend {
namespace {

class BanRequests : public RequestsTest {
 protected:
  std::string refused_from_desk(Json params) {
    params["id"] = "r1";
    const auto reply = *wire::parse_reply(
        send("root", "ban.add", wire::with_origin(params.dump(), "desk", "192.0.2.7")).get());
    return reply.ok ? "" : reply.message;
  }
};

TEST_F(BanRequests, administrators_ban_users_clients_and_networks) {
  ok("root", "ban.add", {{"user", "bob"}, {"for_s", 7200}, {"reason", "spam"}});
  ok("root", "ban.add", {{"client", "bob-phone"}});
  ok("root", "ban.add", {{"network", "2001:DB8::1/32"}});
  ok("root", "ban.remove", {{"network", "198.51.100.7/24"}});
  ok("root", "ban.list", {{"after", "user:bob"}, {"limit", 1000}});
  const auto& commands = broker_.admin_commands();
  ASSERT_EQ(commands.size(), 5u);
  const auto& first = std::get<wire::BanAdd>(commands[0]);
  EXPECT_EQ(first.kind, wire::BanKind::user);
  EXPECT_EQ(first.target, "bob");
  EXPECT_EQ(first.reason, "spam");
  EXPECT_EQ(first.by, "root");
  EXPECT_EQ(first.for_s, 7200u);
  EXPECT_EQ(std::get<wire::BanAdd>(commands[1]).for_s, 0u);
  EXPECT_EQ(std::get<wire::BanAdd>(commands[2]).target, "2001:db8::/32");
  EXPECT_EQ(std::get<wire::BanRemove>(commands[3]).target, "198.51.100.0/24");
  EXPECT_EQ(std::get<wire::BanList>(commands[4]).after, "user:bob");
  EXPECT_EQ(std::get<wire::BanList>(commands[4]).limit, wire::kBanListMax);
}

TEST_F(BanRequests, nobody_else_may) {
  EXPECT_EQ(refused("alice", "ban.add", {{"user", "bob"}}), "not_allowed");
  EXPECT_EQ(refused("alice", "ban.remove", {{"user", "bob"}}), "not_allowed");
  EXPECT_EQ(refused("alice", "ban.list"), "not_allowed");
  EXPECT_TRUE(broker_.admin_commands().empty());
}

TEST_F(BanRequests, nobody_bans_themself_or_the_backend) {
  EXPECT_NE(refused_from_desk({{"user", "ROOT"}}), "");
  EXPECT_NE(refused_from_desk({{"client", "Desk"}}), "");
  EXPECT_NE(refused_from_desk({{"network", "192.0.0.0/8"}}).find("192.0.2.7"), std::string::npos);
  EXPECT_NE(refused_from_desk({{"network", "::ffff:192.0.2.7"}}), "");
  EXPECT_NE(refused_from_desk({{"user", "$parleyd"}}), "");
  EXPECT_TRUE(broker_.admin_commands().empty());
  EXPECT_EQ(refused_from_desk({{"network", "192.0.3.0/24"}}), "");
}

TEST_F(BanRequests, what_is_wrong_is_said) {
  for (const Json& params : {Json::object(), Json{{"user", "bob"}, {"client", "x"}},
                             Json{{"network", "0.0.0.0/0"}}, Json{{"network", "lab"}}, Json{{"user", "a b"}},
                             Json{{"user", "bob"}, {"for_s", 0}}, Json{{"user", "bob"}, {"reason", "a\nb"}},
                             Json{{"user", "bob"}, {"reason", std::string(201, 'x')}}, Json{{"room", "lab"}}})
    EXPECT_EQ(refused("root", "ban.add", params), "invalid_argument") << params;
  EXPECT_EQ(refused("root", "ban.list", {{"after", "bob"}}), "invalid_argument");
  EXPECT_EQ(refused("root", "ban.add", {{"user", "nobody-of-this-name"}}), "not_found");
}

TEST_F(BanRequests, without_a_broker_it_is_said) {
  broker_.fail_with(Error{Errc::unavailable, "No broker is attached."});
  EXPECT_EQ(refused("root", "ban.add", {{"user", "bob"}}), "unavailable");
}

}  // namespace
}  // namespace parley::backend
