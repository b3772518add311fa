#include "plugin/broker/sessions.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace parley::plugin {
namespace {

const char kKeys[8] = {};

Session session(int key, std::string user, std::string device) {
  return Session{.key = &kKeys[key], .user = std::move(user), .device = std::move(device)};
}

std::vector<std::string> taken(Sessions& sessions, WallTime now = {}) {
  std::vector<std::string> devices;
  for (const auto* s : sessions.take_kicks(now)) devices.push_back(s->device);
  std::sort(devices.begin(), devices.end());
  return devices;
}

TEST(Sessions, a_takeover_has_both_connections_for_a_moment) {
  Sessions sessions;
  sessions.open(session(0, "alice", "phone"));
  sessions.open(session(1, "alice", "phone"));
  EXPECT_EQ(sessions.size(), 2u);
  EXPECT_TRUE(sessions.close(&kKeys[0]));
  EXPECT_FALSE(sessions.close(&kKeys[0]));
  ASSERT_NE(sessions.find(&kKeys[1]), nullptr);
  EXPECT_EQ(sessions.kick_user_later("alice"), 1u);
}

TEST(Sessions, an_address_used_again_belongs_to_the_newcomer) {
  Sessions sessions;
  sessions.open(session(0, "alice", "phone"));
  sessions.open(session(0, "bob", "pad"));
  EXPECT_EQ(sessions.size(), 1u);
  EXPECT_EQ(sessions.kick_user_later("alice"), 0u);
  EXPECT_EQ(sessions.find(&kKeys[0])->user, "bob");
}

TEST(Sessions, kicks_reach_a_user_a_device_or_a_token_and_never_the_backend) {
  Sessions sessions;
  sessions.open(session(0, "alice", "phone"));
  auto by_token = session(1, "alice", "pad");
  by_token.token_id = "t1";
  sessions.open(by_token);
  auto backend = session(2, "$parleyd", "parleyd-1");
  backend.backend = true;
  sessions.open(backend);
  sessions.open(session(3, "bob", "pc"));

  EXPECT_EQ(sessions.kick_user_later("alice", "phone"), 1u);
  EXPECT_EQ(taken(sessions), std::vector<std::string>{"phone"});
  EXPECT_EQ(sessions.kick_token_later("t1"), 1u);
  EXPECT_EQ(sessions.kick_token_later("t2"), 0u);
  EXPECT_EQ(sessions.kick_token_later(""), 0u);
  EXPECT_EQ(taken(sessions), std::vector<std::string>{"pad"});
  EXPECT_EQ(sessions.kick_user_later("ALICE"), 2u);
  EXPECT_EQ(taken(sessions), (std::vector<std::string>{"pad", "phone"}));
  EXPECT_EQ(sessions.kick_user_later("$parleyd"), 0u);
  EXPECT_TRUE(taken(sessions).empty());
}

TEST(Sessions, who_is_gone_before_the_tick_is_not_kicked) {
  Sessions sessions;
  sessions.open(session(0, "alice", "phone"));
  sessions.kick_user_later("alice");
  sessions.close(&kKeys[0]);
  EXPECT_TRUE(taken(sessions).empty());
}

TEST(Sessions, a_login_that_expires_is_kicked_once) {
  Sessions sessions;
  auto s = session(0, "alice", "phone");
  s.expires = from_ms(1000);
  sessions.open(s);
  EXPECT_TRUE(taken(sessions, from_ms(999)).empty());
  EXPECT_EQ(taken(sessions, from_ms(1000)).size(), 1u);
  EXPECT_TRUE(taken(sessions, from_ms(2000)).empty());
  EXPECT_TRUE(sessions.close(&kKeys[0]));
}

TEST(Sessions, a_denied_read_matters_only_while_a_session_resumes) {
  Sessions sessions;
  auto s = session(0, "alice", "phone");
  s.resuming = true;
  sessions.open(s);
  sessions.open(session(1, "bob", "pc"));
  sessions.denied_read(&kKeys[1]);
  sessions.denied_read(&kKeys[0]);
  sessions.end_of_resume();
  EXPECT_EQ(taken(sessions), std::vector<std::string>{"phone"});
  sessions.denied_read(&kKeys[0]);
  EXPECT_TRUE(taken(sessions).empty());
}

TEST(Sessions, two_sessions_of_a_device_are_on_one_page) {
  Sessions sessions;
  sessions.open(session(0, "alice", "phone"));
  sessions.open(session(1, "alice", "phone"));
  sessions.open(session(2, "alice", "tablet"));
  for (std::string_view user : {"", "alice"}) {
    bool more = false;
    EXPECT_EQ(sessions.list(user, "", 1, more).size(), 2u);
    EXPECT_TRUE(more);
    EXPECT_EQ(sessions.list(user, "phone", 1, more).size(), 1u);
    EXPECT_FALSE(more);
  }
}

TEST(Sessions, a_list_is_ordered_paged_and_without_the_backend) {
  Sessions sessions;
  for (int i = 0; i < 5; ++i)
    sessions.open(session(i, i < 3 ? "alice" : "bob", std::string(1, static_cast<char>('e' - i))));
  auto backend = session(6, "$parleyd", "a");
  backend.backend = true;
  sessions.open(backend);
  auto names = [&](std::string_view user, std::string_view after, std::size_t limit, bool expect_more) {
    bool more = false;
    std::string out;
    for (const auto* s : sessions.list(user, after, limit, more)) out += s->device;
    EXPECT_EQ(more, expect_more);
    return out;
  };
  EXPECT_EQ(names("", "", 10, false), "abcde");
  EXPECT_EQ(names("", "b", 2, true), "cd");
  EXPECT_EQ(names("alice", "", 10, false), "cde");
}

}  // namespace
}  // namespace parley::plugin
