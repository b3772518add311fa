#include <fstream>
#include <set>

#include "backend/requests/create_admin.h"
#include "backend/requests/requests_test.h"
#include "base/crypto.h"
#include "base/encoding.h"
#include "source_dir.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class UserRequests : public RequestsTest {
 protected:
  std::vector<wire::DirectoryChange> newest_changes() {
    return stores_.directory->steps_after(*stores_.directory->version() - 1, 1)->front().changes;
  }
  bool has_password(const std::string& user, const std::string& password) {
    auto scram = parse_scram(stores_.users->find(user)->scram);
    return scram && scram_matches(*scram, password);
  }
};

TEST_F(UserRequests, administrators_make_accounts) {
  auto made = ok("root", "user.create", {{"user", "zoe"}, {"password", "long enough"}, {"title", "Zoë"}});
  EXPECT_EQ(made, (Json{{"user", "zoe"},
                        {"title", "Zoë"},
                        {"admin", false},
                        {"disabled", false},
                        {"created_at", to_ms(clock_.wall())}}));
  EXPECT_TRUE(has_password("zoe", "long enough"));
  EXPECT_EQ(ok("root", "user.create", {{"user", "boss"}, {"admin", true}})["admin"], true);
  EXPECT_EQ(stores_.users->find("boss")->scram, "");
  EXPECT_EQ(broker_.versions().back(), stores_.directory->version());
}

TEST_F(UserRequests, accounts_that_can_not_be_are_refused) {
  EXPECT_EQ(refused("alice", "user.create", {{"user", "zoe"}}), "not_allowed");
  EXPECT_EQ(refused("root", "user.create"), "invalid_argument");
  EXPECT_EQ(refused("root", "user.create", {{"user", "$parleyd"}}), "invalid_name");
  EXPECT_EQ(refused("root", "user.create", {{"user", "ALICE"}}), "already_exists");
  EXPECT_EQ(refused("root", "user.create", {{"user", "zoe"}, {"password", "short"}}), "invalid_argument");
  EXPECT_EQ(refused("root", "user.create", {{"user", "zoe"}, {"password", std::string(1025, 'x')}}),
            "invalid_argument");
  EXPECT_EQ(refused("root", "user.create", {{"user", "zoe"}, {"disabled", true}}), "invalid_argument");
  EXPECT_FALSE(stores_.users->find("zoe"));
}

TEST_F(UserRequests, everyone_sees_accounts) {
  EXPECT_EQ(ok("alice", "user.get")["user"], "alice");
  EXPECT_EQ(ok("alice", "user.get", {{"user", "root"}})["admin"], true);
  EXPECT_EQ(refused("alice", "user.get", {{"user", "zoe"}}), "not_found");
}

TEST_F(UserRequests, one_may_change_ones_own_title) {
  EXPECT_EQ(ok("alice", "user.update", {{"title", "A."}})["title"], "A.");
  EXPECT_EQ(refused("alice", "user.update", {{"user", "bob"}, {"title", "B."}}), "not_allowed");
  EXPECT_EQ(ok("root", "user.update", {{"user", "bob"}, {"title", "B."}})["title"], "B.");
  EXPECT_EQ(refused("root", "user.update", {{"user", "zoe"}, {"title", "Z."}}), "not_found");
  EXPECT_EQ(refused("alice", "user.update"), "invalid_argument");
}

TEST_F(UserRequests, only_administrators_make_administrators) {
  EXPECT_EQ(refused("alice", "user.update", {{"admin", true}}), "not_allowed");
  EXPECT_EQ(ok("root", "user.update", {{"user", "alice"}, {"admin", true}})["admin"], true);
  EXPECT_THAT(newest_changes(), ElementsAre(wire::UserPut{.name = "alice", .admin = true}));
  ok("alice", "user.list");
}

TEST_F(UserRequests, a_disabled_account_is_refused_everything) {
  EXPECT_EQ(refused("alice", "user.disable", {{"user", "bob"}}), "not_allowed");
  EXPECT_EQ(ok("root", "user.disable", {{"user", "bob"}})["disabled"], true);
  EXPECT_THAT(newest_changes(), ElementsAre(wire::UserPut{.name = "bob", .disabled = true}));
  EXPECT_EQ(refused("bob", "user.get"), "disabled");
  EXPECT_EQ(refused("bob", "room.create", {{"room", "lab"}}), "disabled");
  EXPECT_EQ(ok("root", "user.disable", {{"user", "bob"}, {"disabled", false}})["disabled"], false);
  ok("bob", "user.get");
  EXPECT_EQ(refused("root", "user.disable", {{"user", "root"}}), "not_allowed");
  EXPECT_EQ(refused("root", "user.disable", {{"user", "zoe"}}), "not_found");
}

TEST_F(UserRequests, a_first_password_needs_no_old_one) {
  EXPECT_EQ(ok("alice", "user.passwd", {{"password", "long enough"}}), Json::object());
  EXPECT_TRUE(has_password("alice", "long enough"));
}

TEST_F(UserRequests, ones_own_password_is_changed_by_knowing_it) {
  ok("alice", "user.passwd", {{"password", "long enough"}});
  EXPECT_EQ(refused("alice", "user.passwd", {{"password", "another one"}}), "not_allowed");
  EXPECT_EQ(refused("alice", "user.passwd", {{"password", "another one"}, {"old", "wrong"}}), "not_allowed");
  EXPECT_TRUE(has_password("alice", "long enough"));
  ok("alice", "user.passwd", {{"password", "another one"}, {"old", "long enough"}});
  EXPECT_TRUE(has_password("alice", "another one"));
  EXPECT_EQ(refused("alice", "user.passwd", {{"password", "short"}, {"old", "another one"}}),
            "invalid_argument");
}

TEST_F(UserRequests, administrators_set_anybodys_password) {
  ok("alice", "user.passwd", {{"password", "long enough"}});
  EXPECT_EQ(
      refused("bob", "user.passwd", {{"user", "alice"}, {"password", "long enough"}, {"old", "long enough"}}),
      "not_allowed");
  ok("root", "user.passwd", {{"user", "alice"}, {"password", "set by root"}});
  EXPECT_TRUE(has_password("alice", "set by root"));
  EXPECT_EQ(refused("root", "user.passwd", {{"user", "zoe"}, {"password", "set by root"}}), "not_found");
}

TEST_F(UserRequests, administrators_list_accounts) {
  auto result = ok("root", "user.list", {{"after", "alice"}, {"limit", 2}});
  EXPECT_EQ(result["users"][0]["user"], "bob");
  EXPECT_EQ(result["users"].size(), 2u);
  EXPECT_EQ(result["more"], true);
  EXPECT_EQ(refused("alice", "user.list"), "not_allowed");
}

TEST_F(UserRequests, a_token_is_told_once_and_kept_as_its_digest) {
  auto made = ok("alice", "token.create", {{"label", "phone"}, {"expires_in", 60}});
  auto token = made["token"].get<std::string>();
  ASSERT_EQ(token.substr(0, 4), "plt_");
  EXPECT_EQ(base64url_decode(token.substr(4))->size(), 32u);
  EXPECT_EQ(made["id"].get<std::string>().size(), 26u);
  auto put = std::get<wire::TokenPut>(newest_changes().at(0));
  EXPECT_EQ(put.sha256, as_view(sha256(token)));
  EXPECT_EQ(put.user, "alice");
  auto expires = to_ms(clock_.wall()) + 60'000;
  EXPECT_EQ(put.expires_ms, expires);
  auto listed = ok("alice", "token.list")["tokens"];
  EXPECT_EQ(listed, Json::array({{{"id", made["id"]},
                                  {"user", "alice"},
                                  {"label", "phone"},
                                  {"created_at", to_ms(clock_.wall())},
                                  {"expires_at", expires}}}));
}

TEST_F(UserRequests, tokens_are_ones_own_affair) {
  auto id = ok("alice", "token.create")["id"];
  EXPECT_FALSE(ok("alice", "token.list")["tokens"][0].contains("expires_at"));
  EXPECT_EQ(refused("bob", "token.create", {{"user", "alice"}}), "not_allowed");
  EXPECT_EQ(refused("bob", "token.list", {{"user", "alice"}}), "not_allowed");
  EXPECT_EQ(refused("bob", "token.revoke", {{"token_id", id}}), "not_found");
  EXPECT_EQ(ok("root", "token.list", {{"user", "alice"}})["tokens"].size(), 1u);
  EXPECT_EQ(ok("alice", "token.revoke", {{"token_id", id}}), Json::object());
  EXPECT_THAT(newest_changes(), ElementsAre(wire::TokenDrop{id}));
  EXPECT_EQ(refused("alice", "token.revoke", {{"token_id", id}}), "not_found");
  auto given = ok("root", "token.create", {{"user", "bob"}});
  ok("root", "token.revoke", {{"token_id", given["id"]}});
  EXPECT_EQ(refused("root", "token.create", {{"user", "zoe"}}), "not_found");
  EXPECT_EQ(refused("alice", "token.create", {{"expires_in", 0}}), "invalid_argument");
  EXPECT_EQ(refused("alice", "token.revoke"), "invalid_argument");
}

TEST_F(UserRequests, sessions_are_asked_of_the_broker) {
  auto result = ok("alice", "session.list");
  EXPECT_EQ(result["sessions"][0]["device"], "bob-phone");
  EXPECT_EQ(broker_.session_queries().back().user, "alice");
  ok("root", "session.list", {{"after", "x"}, {"limit", 1000}});
  EXPECT_EQ(broker_.session_queries().back().user, "");
  EXPECT_EQ(broker_.session_queries().back().after, "x");
  EXPECT_EQ(broker_.session_queries().back().limit, 500u);
  ok("root", "session.list", {{"user", "bob"}});
  EXPECT_EQ(broker_.session_queries().back().user, "bob");
  EXPECT_EQ(refused("alice", "session.list", {{"user", "bob"}}), "not_allowed");
}

TEST_F(UserRequests, sessions_are_ended_by_the_broker) {
  EXPECT_EQ(ok("alice", "session.kick"), (Json{{"kicked", 2}}));
  EXPECT_EQ(refused("alice", "session.kick", {{"user", "bob"}}), "not_allowed");
  ok("root", "session.kick", {{"user", "bob"}, {"device", "bob-phone"}});
  EXPECT_THAT(broker_.kicked(), ElementsAre(Pair("alice", ""), Pair("bob", "bob-phone")));
}

TEST_F(UserRequests, administrators_have_the_brokers_clients_moved_off) {
  EXPECT_EQ(refused("alice", "server.drain"), "not_allowed");
  EXPECT_EQ(ok("root", "server.drain"), (Json{{"draining", true}, {"left", 3}}));
  EXPECT_EQ(broker_.last_admin_command<wire::Drain>().over_s, 60u);
  ok("root", "server.drain", {{"over_s", 5}, {"server", "mqtts://b"}, {"stop", true}});
  EXPECT_EQ(broker_.last_admin_command<wire::Drain>().server, "mqtts://b");
  EXPECT_TRUE(broker_.last_admin_command<wire::Drain>().stop);
  ok("root", "server.drain", {{"on", false}});
  EXPECT_FALSE(broker_.last_admin_command<wire::Drain>().on);
  for (const auto& wrong :
       {Json{{"over_s", 86401}}, Json{{"server", "a\nb"}}, Json{{"on", false}, {"over_s", 1}}})
    EXPECT_EQ(refused("root", "server.drain", wrong), "invalid_argument") << wrong;
}

TEST_F(UserRequests, without_a_broker_there_are_no_sessions) {
  broker_.fail_with(Error{Errc::unavailable, "The broker is away."});
  EXPECT_EQ(refused("alice", "session.list"), "unavailable");
  EXPECT_EQ(refused("alice", "session.kick"), "unavailable");
}

TEST_F(UserRequests, the_status_counts_what_there_is) {
  make_lab();
  store_messages(room("lab").id, 3);
  clock_.advance(std::chrono::seconds(7));
  EXPECT_EQ(refused("alice", "server.status"), "not_allowed");
  auto status = ok("root", "server.status");
  EXPECT_EQ(status["users"], 5);
  EXPECT_EQ(status["rooms"], 1);
  EXPECT_EQ(status["messages"], 3);
  EXPECT_EQ(status["uptime_s"], 7);
  EXPECT_EQ(status["feed"]["offset"], 100);
  EXPECT_EQ(status["broker"]["attached"], true);
  EXPECT_EQ(status["broker"]["counters"]["accepted"], 7);
  EXPECT_FALSE(status["version"].get<std::string>().empty());
  broker_.fail_with(Error{Errc::unavailable, "The broker is away."});
  EXPECT_EQ(ok("root", "server.status")["broker"], (Json{{"attached", false}}));
}

// The members of an object, and of the objects in it, as "outer.inner".
std::set<std::string> members_of(const Json& object, const std::string& prefix = "") {
  std::set<std::string> names;
  for (const auto& [name, value] : object.items()) {
    names.insert(prefix + name);
    if (value.is_object()) names.merge(members_of(value, prefix + name + "."));
  }
  return names;
}

// The first example of this kind on the page.
Json example(const std::string& kind) {
  std::ifstream page(PARLEY_SOURCE_DIR "/topics.md");
  std::string line, text;
  while (std::getline(page, line) && line != "```json " + kind) continue;
  while (std::getline(page, line) && line != "```") text += line;
  return Json::parse(text);
}

TEST_F(UserRequests, the_status_is_as_topics_md_shows_it) {
  auto changed = options();
  changed.dependencies = {
      {"store", [] { return BreakerReading{}; }},
      {"cache",
       [] {
         return BreakerReading{.state = BreakerState::open, .opened = 2, .half_opened = 1, .closed = 1};
       }},
      {"broker", [] { return BreakerReading{.opened = 1, .half_opened = 2, .closed = 2}; }}};
  changed.expirer = [] { return ExpirerProgress{.round = from_ms(1)}; };
  restart_with(std::move(changed));
  auto expected = example("status"), status = ok("root", "server.status");
  EXPECT_EQ(status["dependencies"], expected["dependencies"]);
  status["broker"]["counters"] = status["broker"]["gauges"] = Json::object();
  EXPECT_EQ(members_of(status), members_of(expected));
}

TEST_F(UserRequests, the_stats_are_as_topics_md_shows_them) {
  auto changed = options();
  changed.dependencies = {{"store", [] { return BreakerReading{}; }}};
  const auto expected = example("stats");
  changed.stats = [&] {
    return Json{{"queues", expected["queues"]},
                {"presence", expected["presence"]},
                {"busy_rooms", expected["busy_rooms"]}};
  };
  restart_with(std::move(changed));
  EXPECT_EQ(refused("alice", "server.stats"), "not_allowed");
  broker_.answer_stats(expected["broker"]);
  auto stats = ok("root", "server.stats");
  EXPECT_EQ(stats["at"], to_ms(clock_.wall()));
  EXPECT_EQ(stats["broker"], expected["broker"]);
  EXPECT_EQ(members_of(stats), members_of(expected));
  broker_.fail_with(Error{Errc::unavailable, "The broker is away."});
  EXPECT_EQ(ok("root", "server.stats")["broker"], (Json{{"attached", false}}));
}

TEST_F(UserRequests, shards_are_told_to_administrators_one_by_one) {
  EXPECT_EQ(refused("alice", "server.shards"), "not_allowed");
  EXPECT_EQ(ok("root", "server.shards")["shards"], Json::array());
  stores_.shards = []() -> Result<std::vector<ShardStatus>> {
    return std::vector<ShardStatus>{
        {.id = "a", .database = "postgresql://one", .answers = true, .rooms = 2, .messages = 30, .offset = 4},
        {.id = "b", .database = "postgresql://two"}};
  };
  auto shards = ok("root", "server.shards")["shards"];
  EXPECT_EQ(shards[0], (Json{{"shard", "a"},
                             {"database", "postgresql://one"},
                             {"answers", true},
                             {"rooms", 2},
                             {"messages", 30},
                             {"offset", 4}}));
  EXPECT_EQ(shards[1], (Json{{"shard", "b"}, {"database", "postgresql://two"}, {"answers", false}}));
}

TEST_F(UserRequests, whoever_has_the_database_makes_an_administrator) {
  auto token = create_admin(stores_, "boss", clock_);
  ASSERT_TRUE(token) << token.error().message;
  EXPECT_TRUE(stores_.users->find("boss")->admin);
  auto put = std::get<wire::TokenPut>(newest_changes().at(0));
  EXPECT_EQ(put.sha256, as_view(sha256(*token)));
  EXPECT_EQ(put.user, "boss");
  EXPECT_NE(create_admin(stores_, "boss", clock_), token);
  ASSERT_TRUE(create_admin(stores_, "alice", clock_));
  EXPECT_TRUE(stores_.users->find("alice")->admin);
  EXPECT_EQ(create_admin(stores_, "a b", clock_).error().code, Errc::invalid_argument);
  EXPECT_EQ(create_admin(stores_, "BOB", clock_).error().code, Errc::already_exists);
}

}  // namespace
}  // namespace parley::backend
