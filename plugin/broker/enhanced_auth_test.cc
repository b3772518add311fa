#include "plugin/broker/enhanced_auth.h"

#include "plugin/auth/jwt_signer.h"
#include "plugin/auth/scram_client.h"
#include "plugin/broker/parley_testing.h"

namespace parley::plugin {
namespace {

using What = AuthStep::What;
using std::chrono::seconds;

constexpr std::string_view kJwtSecret = "0123456789abcdef0123456789abcdef";

class EnhancedAuthentication : public PluginWithoutABroker {
 protected:
  EnhancedAuthentication() {
    std::ofstream(dir_ / "jwt_key") << kJwtSecret;
    std::filesystem::permissions(dir_ / "jwt_key", std::filesystem::perms::owner_read);
    options_.jwt_key_file = dir_ / "jwt_key";
    options_.jwt_algorithm = "HS256";
    open();
    attach();
    fill();
    for (const char* name : {"alice", "bob"})
      change(wire::UserPut{.name = name, .scram = format_scram(make_scram_verifier(password(name), 16))});
    parley_->tick();
  }
  static std::string password(const std::string& name) { return name + "'s password"; }
  static ScramClient scram(const std::string& name) { return {.user = name, .password = password(name)}; }

  // What the broker does: `shown` is the name it knows the client by.
  AuthStep start(const std::string& shown, const std::string& device, std::string_view method,
                 std::string_view data) {
    auto step = parley_->auth_start(client(shown, device), method, data);
    shown_[device] = step.username.empty() ? shown : step.username;
    return step;
  }
  AuthStep go_on(const std::string& device, std::string_view data) {
    auto step = parley_->auth_continue(client(shown_[device], device), data);
    if (!step.username.empty()) shown_[device] = step.username;
    return step;
  }
  AuthStep log_in(const std::string& name, const std::string& device) {
    const auto first = start("", device, "SCRAM-SHA-256", scram(name).first());
    return first.what == What::go_on ? go_on(device, scram(name).final(first.reply)) : first;
  }
  bool gone(const std::string& device) {
    return parley_->disconnected({.key = &keys_[device], .username = shown_[device]});
  }
  AclDecision will(const std::string& device) {
    return parley_->check(
        client(shown_[device], device),
        {.access = Access::write, .topic = "rooms/lab/typing/alice", .payload = R"({"typing":true})"});
  }
  std::string jwt(std::string_view sub, seconds life, std::string_view more = {}) const {
    const auto now = to_ms(clock_.wall()) / 1000;
    return hs256_token(R"({"alg":"HS256"})",
                       R"({"sub":")" + std::string(sub) + R"(","iat":)" + std::to_string(now) + R"(,"exp":)" +
                           std::to_string(now + life.count()) + std::string(more) + "}",
                       kJwtSecret);
  }
  static std::string bearer(const std::string& token) {
    return "n,,\x01"
           "auth=Bearer " +
           token + "\x01\x01";
  }
  bool kicked(const std::string& device) {
    parley_->tick();
    return std::ranges::count(broker_.order, "kick " + device) > 0;
  }
  json counter(const char* name) {
    return command({.generation = generation_, .body = wire::Stats{}}).result["counters"][name];
  }

  std::map<std::string, std::string> shown_;
};

TEST_F(EnhancedAuthentication, the_last_step_makes_the_session_and_gives_the_name) {
  const auto first = start("", "phone", "SCRAM-SHA-256", scram("alice").first());
  EXPECT_EQ(first.what, What::go_on);
  EXPECT_TRUE(first.username.starts_with(EnhancedAuth::kUnfinished));
  const auto last = go_on("phone", scram("alice").final(first.reply));
  EXPECT_EQ(last.what, What::accept);
  EXPECT_EQ(last.username, "alice");
  EXPECT_TRUE(last.reply.starts_with("v="));
  EXPECT_TRUE(send("alice", "phone", "hi"));
}

TEST_F(EnhancedAuthentication, before_the_last_step_nobody_may_do_anything) {
  start("alice", "phone", "SCRAM-SHA-256", scram("alice").first());
  EXPECT_EQ(will("phone"), AclDecision::deny);
  for (auto access : {Access::read, Access::write, Access::subscribe})
    EXPECT_EQ(
        parley_->check(client(shown_["phone"], "phone"), {.access = access, .topic = "outside/anything"}),
        AclDecision::deny);
  EXPECT_TRUE(gone("phone"));
  for (int i = 0; i < 3; ++i) {  // a will that is delayed comes whenever
    parley_->tick();
    clock_.advance(std::chrono::hours(1));
    EXPECT_EQ(will("phone"), AclDecision::deny);
  }
}

TEST_F(EnhancedAuthentication, who_has_finished_or_is_known_is_not_taken_for_half_way) {
  ASSERT_EQ(log_in("alice", "phone").what, What::accept);
  start("alice", "phone", "SCRAM-SHA-256", scram("alice").first());  // again
  EXPECT_FALSE(gone("phone"));
  EXPECT_FALSE(gone("phone"));
  ASSERT_EQ(login("alice", "pad"), LoginVerdict::accept);
  shown_["pad"] = "alice";
  EXPECT_FALSE(gone("pad"));
}

TEST_F(EnhancedAuthentication, wrong_unknown_disabled_and_those_without_a_password_fail_in_the_last_step) {
  change(wire::UserPut{.name = "carol"});
  change(wire::UserPut{
      .name = "dora", .disabled = true, .scram = format_scram(make_scram_verifier(password("dora"), 16))});
  for (const char* name : {"carol", "dora", "nobody", "$parleyd", "ALICE"}) {
    const auto first = start("", "x", "SCRAM-SHA-256", scram(name).first());
    ASSERT_EQ(first.what, What::go_on) << name;
    EXPECT_EQ(go_on("x", scram(name).final(first.reply)).what, What::deny) << name;
  }
  const auto first = start("", "x", "SCRAM-SHA-256", scram("alice").first());
  EXPECT_EQ(go_on("x", ScramClient{.user = "alice", .password = "wrong"}.final(first.reply)).what,
            What::deny);
  EXPECT_EQ(go_on("x", scram("alice").final(first.reply)).what, What::deny);  // no second guess
}

TEST_F(EnhancedAuthentication, the_user_name_given_must_be_the_one_proved) {
  EXPECT_EQ(start("bob", "x", "SCRAM-SHA-256", scram("alice").first()).what, What::deny);
  EXPECT_EQ(start("bob", "x", "OAUTHBEARER", bearer(jwt("alice", seconds(60)))).what, What::deny);
  EXPECT_EQ(start("", "x", "OAUTHBEARER", bearer(jwt("alice", seconds(60)))).username, "alice");
}

TEST_F(EnhancedAuthentication, other_methods_are_refused_and_not_left_to_others) {
  options_.defer_other_users = true;
  open();
  for (const char* method : {"PLAIN", "SCRAM-SHA-1", ""})
    EXPECT_EQ(start("stranger", "x", method, "").what, What::unsupported);
  options_.jwt_key_file.clear();
  options_.jwt_algorithm.clear();
  options_.scram = false;
  open();
  EXPECT_EQ(start("", "x", "OAUTHBEARER", "").what, What::unsupported);
  EXPECT_EQ(start("", "x", "SCRAM-SHA-256", scram("alice").first()).what, What::unsupported);
}

TEST_F(EnhancedAuthentication, an_exchange_has_its_time) {
  const auto first = start("", "phone", "SCRAM-SHA-256", scram("alice").first());
  clock_.advance(EnhancedAuth::kTime + EnhancedAuth::kWindow + seconds(1));
  parley_->tick();
  EXPECT_EQ(std::ranges::count(broker_.order, "kick all named " + shown_["phone"]), 1);
  EXPECT_EQ(std::ranges::count(broker_.order, "kick phone"), 0);
  EXPECT_EQ(counter("auth_timeouts"), 1);
  EXPECT_EQ(go_on("phone", scram("alice").final(first.reply)).what, What::deny);
}

TEST_F(EnhancedAuthentication, only_so_many_are_under_way_for_one_address) {
  options_.trusted_networks.clear();
  open();
  std::string name;
  for (std::size_t i = 0; i < EnhancedAuth::kPerAddress; ++i) {
    name = "d" + std::to_string(i);
    ASSERT_EQ(start("", name, "SCRAM-SHA-256", scram("alice").first()).what, What::go_on);
  }
  EXPECT_EQ(start("", "one-more", "SCRAM-SHA-256", scram("alice").first()).what, What::busy);
  EXPECT_TRUE(gone(name));
  EXPECT_EQ(log_in("alice", "one-more").what, What::accept);
}

TEST_F(EnhancedAuthentication, a_flood_of_failures_shuts_it_for_newcomers_alone) {
  ASSERT_EQ(log_in("alice", "phone").what, What::accept);
  for (int i = 0; i < 300; ++i) start("", "x", "SCRAM-SHA-256", "garbage");
  EXPECT_EQ(log_in("bob", "pc").what, What::busy);
  const auto again = start("alice", "phone", "SCRAM-SHA-256", scram("alice").first());
  EXPECT_EQ(go_on("phone", scram("alice").final(again.reply)).what, What::accept);
  EXPECT_EQ(login("alice", "pad"), LoginVerdict::accept);
  clock_.advance(seconds(1));
  parley_->tick();
  EXPECT_EQ(log_in("bob", "pc").what, What::accept);
}

TEST_F(EnhancedAuthentication, proving_it_again_keeps_session_and_name) {
  ASSERT_EQ(log_in("alice", "phone").what, What::accept);
  const auto again = start("alice", "phone", "SCRAM-SHA-256", scram("alice").first());
  EXPECT_EQ(again.what, What::go_on);
  EXPECT_EQ(again.username, "");
  EXPECT_TRUE(send("alice", "phone", "meanwhile"));
  const auto last = go_on("phone", scram("alice").final(again.reply));
  EXPECT_EQ(last.what, What::accept);
  EXPECT_EQ(last.username, "");
  EXPECT_EQ(newest_notice(), (json{{"type", "renewed"}, {"device", "phone"}}));
  EXPECT_EQ(counter("auth_renewals"), 1);
  EXPECT_EQ(counter("logins"), 2);  // the backend's and this one
}

TEST_F(EnhancedAuthentication, nobody_becomes_another_by_proving_it_again) {
  ASSERT_EQ(log_in("alice", "phone").what, What::accept);
  EXPECT_EQ(start("alice", "phone", "SCRAM-SHA-256", scram("bob").first()).what, What::deny);
  ASSERT_EQ(start("", "pad", "OAUTHBEARER", bearer(jwt("alice", seconds(60)))).what, What::accept);
  EXPECT_EQ(start("alice", "pad", "OAUTHBEARER", bearer(jwt("bob", seconds(60)))).what, What::deny);
}

TEST_F(EnhancedAuthentication, an_address_used_again_is_a_newcomers_even_if_we_missed_the_end) {
  ASSERT_EQ(log_in("alice", "phone").what, What::accept);
  for (const char* claimed : {"", "root", "bob"}) {  // the same object, another name
    const auto first = parley_->auth_start(client(claimed, "phone"), "SCRAM-SHA-256", scram("bob").first());
    EXPECT_TRUE(first.what == What::deny || first.username.starts_with(EnhancedAuth::kUnfinished)) << claimed;
    EXPECT_FALSE(send("alice", "phone", "mine?"));
  }
}

TEST_F(EnhancedAuthentication, silence_half_way_of_proving_it_again_ends_the_connection) {
  ASSERT_EQ(log_in("alice", "phone").what, What::accept);
  start("alice", "phone", "SCRAM-SHA-256", scram("alice").first());
  clock_.advance(EnhancedAuth::kTime + EnhancedAuth::kWindow + seconds(1));
  EXPECT_TRUE(kicked("phone"));
}

TEST_F(EnhancedAuthentication, an_unasked_step_is_neither_accepted_nor_refused_but_ends_the_connection) {
  ASSERT_EQ(login("alice", "phone"), LoginVerdict::accept);
  shown_["phone"] = "alice";
  const auto step = go_on("phone", "");
  EXPECT_EQ(step.what, What::go_on);
  EXPECT_EQ(step.reply, "");
  EXPECT_TRUE(kicked("phone"));
  EXPECT_EQ(go_on("stranger", "").what, What::deny);
}

TEST_F(EnhancedAuthentication, a_reload_disturbs_nobody_half_way_of_proving_it_again) {
  ASSERT_EQ(log_in("alice", "phone").what, What::accept);
  const auto again = start("alice", "phone", "SCRAM-SHA-256", scram("alice").first());
  parley_->reload(options_);
  EXPECT_EQ(login("alice", "phone", nullptr), LoginVerdict::accept);
  EXPECT_EQ(go_on("phone", scram("alice").final(again.reply)).what, What::accept);
}

TEST_F(EnhancedAuthentication, a_renewed_jwt_moves_the_end_of_the_session) {
  ASSERT_EQ(start("", "phone", "OAUTHBEARER", bearer(jwt("alice", seconds(100)))).what, What::accept);
  clock_.advance(seconds(41));
  parley_->tick();
  EXPECT_EQ(newest_notice()["type"], "expiring");
  EXPECT_EQ(start("alice", "phone", "OAUTHBEARER", bearer(jwt("alice", seconds(500)))).what, What::accept);
  EXPECT_EQ(
      newest_notice(),
      (json{{"type", "renewed"}, {"device", "phone"}, {"at", (to_ms(clock_.wall()) / 1000 + 500) * 1000}}));
  clock_.advance(seconds(400));
  EXPECT_FALSE(kicked("phone"));
  clock_.advance(seconds(101));
  EXPECT_TRUE(kicked("phone"));
}

TEST_F(EnhancedAuthentication, a_client_is_told_once_before_it_is_cut) {
  const auto token = jwt("alice", seconds(100));
  ASSERT_EQ(login("alice", "phone", token.c_str()), LoginVerdict::accept);
  for (int i = 0; i < 99; ++i) {
    clock_.advance(seconds(1));
    parley_->tick();
  }
  EXPECT_EQ(std::ranges::count(broker_.order, "to phone users/alice/inbox"), 1);
  clock_.advance(seconds(1));
  EXPECT_TRUE(kicked("phone"));
}

TEST_F(EnhancedAuthentication, a_revoked_jwt_ends_its_session_and_opens_no_other) {
  const auto one = jwt("alice", seconds(100), R"(,"jti":"one")"),
             two = jwt("alice", seconds(100), R"(,"jti":"two")");
  ASSERT_EQ(login("alice", "phone", one.c_str()), LoginVerdict::accept);
  ASSERT_EQ(login("alice", "pad", two.c_str()), LoginVerdict::accept);
  ASSERT_EQ(login("alice", "tab"), LoginVerdict::accept);
  const auto until = to_ms(clock_.wall()) + 100'000;
  EXPECT_EQ(command({.generation = generation_, .body = wire::JwtRevoke{.jti = "one", .until = until}})
                .result["kicked"],
            1);
  EXPECT_EQ(std::ranges::count(broker_.order, "kick phone"), 1);
  EXPECT_EQ(login("alice", "phone", one.c_str()), LoginVerdict::deny);
  EXPECT_EQ(start("", "phone", "OAUTHBEARER", bearer(one)).what, What::deny);
  EXPECT_EQ(
      command({.generation = generation_,
               .body = wire::JwtRevoke{.user = "alice", .before = to_ms(clock_.wall()), .until = until}})
          .result["kicked"],
      1);
  EXPECT_EQ(std::ranges::count(broker_.order, "kick tab"), 0);
  const auto listed = command({.generation = generation_, .body = wire::JwtRevoked{.limit = 10}}).result;
  EXPECT_EQ(listed["revoked"].size(), 2u);

  open();  // the broker was restarted, with no backend
  EXPECT_EQ(login("alice", "phone", one.c_str()), LoginVerdict::deny);
  EXPECT_EQ(login("alice", "pad", two.c_str()), LoginVerdict::deny);
  clock_.advance(seconds(2));
  EXPECT_EQ(login("alice", "pad", jwt("alice", seconds(100)).c_str()), LoginVerdict::accept);
}

TEST_F(EnhancedAuthentication, a_renewed_session_ends_with_its_new_jwt_not_the_old_one) {
  const auto one = jwt("alice", seconds(100), R"(,"jti":"one")"),
             two = jwt("alice", seconds(100), R"(,"jti":"two")");
  ASSERT_EQ(start("", "phone", "OAUTHBEARER", bearer(one)).what, What::accept);
  ASSERT_EQ(start("alice", "phone", "OAUTHBEARER", bearer(two)).what, What::accept);
  const auto until = to_ms(clock_.wall()) + 100'000;
  EXPECT_EQ(command({.generation = generation_, .body = wire::JwtRevoke{.jti = "one", .until = until}})
                .result["kicked"],
            0);
  EXPECT_EQ(command({.generation = generation_, .body = wire::JwtRevoke{.jti = "two", .until = until}})
                .result["kicked"],
            1);
}

TEST_F(EnhancedAuthentication, without_ticks_nobody_is_let_in) {
  parley_->tick();
  ASSERT_EQ(log_in("alice", "phone").what, What::accept);
  clock_.advance(seconds(31));
  EXPECT_EQ(log_in("bob", "pc").what, What::deny);
}

}  // namespace
}  // namespace parley::plugin
