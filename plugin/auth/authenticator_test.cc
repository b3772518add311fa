#include "plugin/auth/authenticator.h"

#include <gtest/gtest.h>

#include <ostream>

#include "base/encoding.h"
#include "plugin/auth/fake_accounts.h"
#include "plugin/auth/jwt_signer.h"

namespace parley::plugin {
namespace {

constexpr std::string_view kJwtSecret = "0123456789abcdef0123456789abcdef";
constexpr std::string_view kBackendSecret = "the backend's own secret";

std::string token_of(char c) {
  return "plt_" + base64url_encode(std::string(32, c));
}

// One line that says all of a verdict.
std::string told(const Verdict& verdict) {
  if (std::holds_alternative<Busy>(verdict)) return "busy";
  if (std::holds_alternative<Deferred>(verdict)) return "defer";
  if (const auto* denied = std::get_if<Denied>(&verdict)) return "denied: " + std::string(denied->text);
  const auto& admitted = std::get<Admitted>(verdict);
  std::string line = admitted.user + " by " + std::string(auth_method_name(admitted.method));
  if (admitted.admin) line += " admin";
  if (admitted.new_user) line += " new";
  if (!admitted.token_id.empty()) line += " token=" + admitted.token_id;
  if (admitted.expires_at) line += " until " + std::to_string(to_ms(*admitted.expires_at));
  return line;
}
std::string denied(DenyReason reason) {
  return "denied: " + std::string(deny_reason_text(reason));
}
std::string jwt_denied(JwtFailure failure) {
  return "denied: " + std::string(jwt_failure_text(failure));
}

class AuthenticatorTest : public ::testing::Test {
 protected:
  AuthenticatorTest() {
    accounts_.add("alice", "alice-pw");
    accounts_.add("Root", "root-pw").user.admin = true;
    accounts_.add("gone", "gone-pw").user.disabled = true;
    accounts_.add("device");
    accounts_.add_token(token_of('a'), {"T1", "alice", 0});
    accounts_.add_token(token_of('b'), {"T2", "alice", now_ms() + 1000});
    accounts_.add_token(token_of('c'), {"T3", "alice", now_ms()});
    accounts_.add_token(token_of('d'), {"T4", "gone", 0});
    accounts_.add_token(token_of('e'), {"T5", "device", 0});
    accounts_.add_token(token_of('r'), {"T6", "Root", 0});
  }

  std::int64_t now_ms() const { return to_ms(clock_.wall()); }
  std::string jwt(std::string_view sub, std::int64_t exp_in_s = 100,
                  std::string_view secret = kJwtSecret) const {
    std::int64_t exp = now_ms() / 1000 + exp_in_s;
    return hs256_token(R"({"alg":"HS256"})",
                       R"({"sub":")" + std::string(sub) + R"(","exp":)" + std::to_string(exp) + "}", secret);
  }
  std::string until(std::int64_t in_s) const { return std::to_string((now_ms() / 1000 + in_s) * 1000); }

  std::string login(std::optional<std::string_view> username, std::optional<std::string_view> password,
                    AuthOptions options = {}, bool with_jwt = true) {
    options.backend_secret = kBackendSecret;
    std::optional<JwtVerifier> verifier;
    if (with_jwt) {
      JwtKeySet keys;
      keys.push_back(std::move(*JwtKey::from_secret(std::string(kJwtSecret))));
      verifier.emplace(std::move(keys), JwtRules{});
    }
    Authenticator authenticator(std::move(options), accounts_, clock_, std::move(verifier));
    return told(authenticator.authenticate({username, password}));
  }
  std::string login_deferring(std::optional<std::string_view> username,
                              std::optional<std::string_view> password) {
    return login(username, password, {.backend_secret = {}, .other_users = OtherUsers::defer});
  }

  FakeClock clock_;
  FakeAccounts accounts_;
};

TEST_F(AuthenticatorTest, backend) {
  for (OtherUsers others : {OtherUsers::deny, OtherUsers::defer}) {
    AuthOptions options{.backend_secret = {}, .other_users = others};
    EXPECT_EQ(login("$parleyd", kBackendSecret, options), "$parleyd by backend");
    for (std::optional<std::string_view> wrong :
         {std::optional<std::string_view>(), {""}, {"wrong"}, {"the backend's own secret "}}) {
      EXPECT_EQ(login("$parleyd", wrong, options), denied(DenyReason::backend_secret));
    }
    EXPECT_EQ(login("$Parleyd", kBackendSecret, options), denied(DenyReason::backend_secret));
    EXPECT_EQ(login("$parleyd", jwt("$parleyd"), options), denied(DenyReason::backend_secret));
    EXPECT_EQ(login("$parleyd", token_of('a'), options), denied(DenyReason::backend_secret));
  }
  AuthOptions without;
  Authenticator authenticator(without, accounts_, clock_);
  EXPECT_EQ(told(authenticator.authenticate({"$parleyd", ""})), denied(DenyReason::backend_secret));
}

TEST_F(AuthenticatorTest, password) {
  EXPECT_EQ(login("alice", "alice-pw"), "alice by password");
  EXPECT_EQ(login("Root", "root-pw"), "Root by password admin");
  EXPECT_EQ(login("alice", "root-pw"), denied(DenyReason::wrong_password));
  EXPECT_EQ(login("alice", ""), denied(DenyReason::no_credentials));
  EXPECT_EQ(login("alice", std::nullopt), denied(DenyReason::no_credentials));
  EXPECT_EQ(login("Alice", "alice-pw"), denied(DenyReason::unknown_user));
  EXPECT_EQ(login("root", "root-pw"), denied(DenyReason::unknown_user));
  EXPECT_EQ(login("nobody", "alice-pw"), denied(DenyReason::unknown_user));
  EXPECT_EQ(login("device", "device"), denied(DenyReason::wrong_password));
  EXPECT_EQ(login("a/b", "alice-pw"), denied(DenyReason::illegal_name));
  EXPECT_EQ(login(std::string_view("alice\0", 6), "alice-pw"), denied(DenyReason::illegal_name));
}

TEST_F(AuthenticatorTest, an_erased_users_name_is_nobodys) {
  accounts_.blocked.insert("erin");
  const AuthOptions options{.backend_secret = {}, .other_users = OtherUsers::defer, .jwt_auto_user = true};
  for (const std::string name : {"erin", "Erin"}) {
    const auto proof = jwt(name);
    EXPECT_EQ(login(name, "some-password", options), denied(DenyReason::unknown_user));
    EXPECT_EQ(login(name, token_of('z'), options), denied(DenyReason::token_unknown));
    EXPECT_EQ(login(name, proof, options), denied(DenyReason::erased));
    EXPECT_EQ(login(std::nullopt, proof, options), denied(DenyReason::erased));
  }
}

TEST_F(AuthenticatorTest, a_disabled_account_is_told_only_to_who_knows_its_password) {
  EXPECT_EQ(login("gone", "gone-pw"), denied(DenyReason::disabled));
  EXPECT_EQ(login("gone", "wrong"), denied(DenyReason::wrong_password));
}

TEST_F(AuthenticatorTest, over_the_budget_known_and_unknown_names_are_busy_alike) {
  AuthOptions options;
  options.password = {.cache_entries_max = 10, .slow_checks_per_second = 1, .slow_checks_burst = 3};
  Authenticator authenticator(options, accounts_, clock_);
  EXPECT_EQ(told(authenticator.authenticate({"alice", "alice-pw"})), "alice by password");
  for (auto name : {"nobody", "device"}) authenticator.authenticate({name, "guess"});
  for (auto name : {"nobody", "device", "Root", "gone", "ALICE"}) {
    EXPECT_EQ(told(authenticator.authenticate({name, "guess"})), "busy") << name;
  }
  EXPECT_EQ(told(authenticator.authenticate({"alice", "alice-pw"})), "alice by password");
  EXPECT_EQ(told(authenticator.authenticate({"alice", token_of('a')})), "alice by token token=T1");
}

TEST_F(AuthenticatorTest, what_needs_no_slow_check_takes_none) {
  AuthOptions options{.backend_secret = {}, .other_users = OtherUsers::defer};
  options.password = {.cache_entries_max = 10, .slow_checks_per_second = 1, .slow_checks_burst = 1};
  Authenticator authenticator(options, accounts_, clock_);
  authenticator.authenticate({"alice", token_of('z')});
  authenticator.authenticate({"alice", std::nullopt});
  authenticator.authenticate({"nobody", "guess"});
  authenticator.authenticate({"$parleyd", "guess"});
  EXPECT_EQ(told(authenticator.authenticate({"alice", "alice-pw"})), "alice by password");
}

TEST_F(AuthenticatorTest, device_token) {
  EXPECT_EQ(login("alice", token_of('a')), "alice by token token=T1");
  EXPECT_EQ(login("alice", token_of('b')),
            "alice by token token=T2 until " + std::to_string(now_ms() + 1000));
  EXPECT_EQ(login("alice", token_of('c')), denied(DenyReason::token_expired));
  EXPECT_EQ(login("gone", token_of('d')), denied(DenyReason::disabled));
  EXPECT_EQ(login("device", token_of('e')), "device by token token=T5");
  EXPECT_EQ(login("Root", token_of('r')), "Root by token admin token=T6");
  EXPECT_EQ(login("device", token_of('a')), denied(DenyReason::token_other_user));
  EXPECT_EQ(login("Alice", token_of('a')), denied(DenyReason::token_other_user));
  EXPECT_EQ(login("alice", token_of('z')), denied(DenyReason::token_unknown));
  EXPECT_EQ(login("", token_of('a')), denied(DenyReason::no_credentials));
  accounts_.people.erase("device");
  EXPECT_EQ(login("device", token_of('e')), denied(DenyReason::unknown_user));
}

TEST_F(AuthenticatorTest, jwt) {
  EXPECT_EQ(login("alice", jwt("alice")), "alice by jwt until " + until(100));
  EXPECT_EQ(login("", jwt("alice")), "alice by jwt until " + until(100));
  EXPECT_EQ(login(std::nullopt, jwt("alice")), "alice by jwt until " + until(100));
  EXPECT_EQ(login("alice", jwt("alice", -10)), "alice by jwt until " + until(20));  // within the leeway
  EXPECT_EQ(login("alice", jwt("alice", -31)), jwt_denied(JwtFailure::expired));
  EXPECT_EQ(login("alice", jwt("device")), denied(DenyReason::jwt_other_user));
  EXPECT_EQ(login("Alice", jwt("alice")), denied(DenyReason::jwt_other_user));
  EXPECT_EQ(login("gone", jwt("gone")), denied(DenyReason::disabled));
  EXPECT_EQ(login("alice", jwt("alice", 100, "ffffffffffffffffffffffffffffffff")),
            jwt_denied(JwtFailure::bad_signature));
  EXPECT_EQ(login(std::nullopt, jwt("$parleyd")), jwt_denied(JwtFailure::bad_subject));
}

TEST_F(AuthenticatorTest, jwt_never_makes_an_administrator_unless_said) {
  EXPECT_EQ(login("Root", jwt("Root")), denied(DenyReason::jwt_admin));
  AuthOptions options{.backend_secret = {}, .jwt_admins = true};
  EXPECT_EQ(login("Root", jwt("Root"), options), "Root by jwt admin until " + until(100));
  EXPECT_EQ(login("alice", jwt("alice\",\"admin\":true,\"x\":\""), options),
            "alice by jwt until " + until(100));
}

TEST_F(AuthenticatorTest, jwt_of_an_unknown_subject_makes_a_user_only_when_told_to) {
  EXPECT_EQ(login("zoe", jwt("zoe")), denied(DenyReason::jwt_unknown_user));
  EXPECT_EQ(login_deferring("zoe", jwt("zoe")), denied(DenyReason::jwt_unknown_user));
  AuthOptions options{.backend_secret = {}, .jwt_auto_user = true};
  EXPECT_EQ(login("zoe", jwt("zoe"), options), "zoe by jwt new until " + until(100));
  EXPECT_EQ(login("", jwt("zoe"), options), "zoe by jwt new until " + until(100));
  EXPECT_EQ(login("ALICE", jwt("ALICE"), options), denied(DenyReason::jwt_name_taken));
  EXPECT_EQ(login("ROOT", jwt("ROOT"), options), denied(DenyReason::jwt_name_taken));
}

TEST_F(AuthenticatorTest, without_a_verifier_a_jwt_is_a_password_like_any_other) {
  EXPECT_EQ(login("alice", jwt("alice"), {}, false), denied(DenyReason::wrong_password));
  accounts_.add("bob", jwt("bob"));
  EXPECT_EQ(login("bob", jwt("bob"), {}, false), "bob by password");
}

TEST_F(AuthenticatorTest, a_password_with_dots_is_no_jwt) {
  accounts_.add("bob", "my.good.password");
  EXPECT_EQ(login("bob", "my.good.password"), "bob by password");
}

TEST_F(AuthenticatorTest, other_users_are_deferred_when_nothing_of_ours_matches) {
  EXPECT_EQ(login_deferring("sensor", "pw"), "defer");
  EXPECT_EQ(login_deferring("sensor", std::nullopt), "defer");
  EXPECT_EQ(login_deferring("sensor 1/x", "pw"), "defer");
  EXPECT_EQ(login_deferring(std::nullopt, std::nullopt), "defer");
  EXPECT_EQ(login_deferring(std::nullopt, "pw"), "defer");
  EXPECT_EQ(login_deferring("sensor", token_of('z')), "defer");
  EXPECT_EQ(login_deferring("sensor", jwt("sensor", 100, "ffffffffffffffffffffffffffffffff")), "defer");
}

TEST_F(AuthenticatorTest, what_is_ours_is_never_deferred) {
  EXPECT_EQ(login_deferring("alice", "wrong"), denied(DenyReason::wrong_password));
  EXPECT_EQ(login_deferring("ALICE", "alice-pw"), denied(DenyReason::unknown_user));
  EXPECT_EQ(login_deferring("alice", std::nullopt), denied(DenyReason::no_credentials));
  EXPECT_EQ(login_deferring("gone", "gone-pw"), denied(DenyReason::disabled));
  EXPECT_EQ(login_deferring("alice", token_of('z')), denied(DenyReason::token_unknown));
  EXPECT_EQ(login_deferring("sensor", token_of('a')), denied(DenyReason::token_other_user));
  EXPECT_EQ(login_deferring("sensor", jwt("alice")), denied(DenyReason::jwt_other_user));
  EXPECT_EQ(login_deferring("sensor", jwt("sensor", -100)), jwt_denied(JwtFailure::expired));
  EXPECT_EQ(login_deferring("alice", jwt("alice", 100, "ffffffffffffffffffffffffffffffff")),
            jwt_denied(JwtFailure::bad_signature));
}

TEST_F(AuthenticatorTest, without_deferring_strangers_are_denied) {
  EXPECT_EQ(login(std::nullopt, std::nullopt), denied(DenyReason::no_credentials));
  EXPECT_EQ(login("", "pw"), denied(DenyReason::no_credentials));
  EXPECT_EQ(login("sensor", "pw"), denied(DenyReason::unknown_user));
  EXPECT_EQ(login("sensor", token_of('z')), denied(DenyReason::token_unknown));
}

TEST_F(AuthenticatorTest, scram_runs_with_the_accounts_verifier_or_with_one_that_looks_like_it) {
  const Authenticator authenticator(AuthOptions{}, accounts_, clock_);
  EXPECT_EQ(authenticator.scram_verifier("alice"), *accounts_.scram("alice"));
  for (const char* name : {"nobody", "device", "ALICE", "$parleyd"}) {
    const auto made_up = authenticator.scram_verifier(name);
    EXPECT_EQ(made_up, authenticator.scram_verifier(name)) << name;
    EXPECT_EQ(made_up.iterations, kScramIterationsDefault);
    EXPECT_TRUE(std::holds_alternative<Denied>(authenticator.by_scram(name, made_up))) << name;
  }
}

TEST_F(AuthenticatorTest, scram_lets_in_whom_the_account_says) {
  const Authenticator authenticator({.backend_secret = {}, .other_users = OtherUsers::defer}, accounts_,
                                    clock_);
  const auto after = [&](std::string_view name) {
    return told(authenticator.by_scram(name, authenticator.scram_verifier(name)));
  };
  EXPECT_EQ(after("alice"), "alice by scram");
  EXPECT_EQ(after("Root"), "Root by scram admin");
  EXPECT_EQ(after("gone"), denied(DenyReason::disabled));
  EXPECT_EQ(after("stranger"), denied(DenyReason::unknown_user));
  const auto before = authenticator.scram_verifier("alice");
  accounts_.add("alice", "another password");
  EXPECT_EQ(told(authenticator.by_scram("alice", before)), denied(DenyReason::wrong_password));
}

TEST_F(AuthenticatorTest, a_bearer_is_a_jwt_and_never_deferred) {
  JwtKeySet keys;
  keys.push_back(std::move(*JwtKey::from_secret(std::string(kJwtSecret))));
  const Authenticator authenticator({.backend_secret = {}, .other_users = OtherUsers::defer}, accounts_,
                                    clock_, JwtVerifier(std::move(keys), JwtRules{}));
  EXPECT_EQ(told(authenticator.by_bearer("", jwt("alice"))), "alice by jwt until " + until(100));
  EXPECT_EQ(told(authenticator.by_bearer("bob", jwt("alice"))), denied(DenyReason::jwt_other_user));
  EXPECT_EQ(
      told(authenticator.by_bearer("stranger", jwt("stranger", 100, "ffffffffffffffffffffffffffffffff"))),
      denied(DenyReason::jwt_refused));
  EXPECT_EQ(told(authenticator.by_bearer("alice", token_of('a'))), jwt_denied(JwtFailure::malformed));
  EXPECT_EQ(told(Authenticator(AuthOptions{}, accounts_, clock_).by_bearer("", jwt("alice"))),
            denied(DenyReason::jwt_refused));
}

}  // namespace
}  // namespace parley::plugin
