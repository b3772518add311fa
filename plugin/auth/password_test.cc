#include "plugin/auth/password.h"

#include <gtest/gtest.h>

namespace parley::plugin {
namespace {

using Answer = PasswordChecker::Answer;
using std::chrono::milliseconds;
using std::chrono::seconds;

const ScramVerifier& verifier() {
  static const ScramVerifier made = make_scram_verifier("secret", 16);
  return made;
}

// Ten slow checks, then one each 100 ms.
PasswordOptions options() {
  return {.cache_entries_max = 3,
          .cache_ttl = seconds(300),
          .slow_checks_per_second = 10,
          .slow_checks_burst = 10};
}

class Password : public ::testing::Test {
 protected:
  Answer check(std::string_view password, std::string_view user = "alice") {
    return checker_.check(user, verifier(), password, clock_.steady());
  }
  int checks_left() {
    int left = 0;
    while (checker_.check_unknown("x", clock_.steady()) != Answer::busy) ++left;
    return left;
  }

  FakeClock clock_;
  PasswordChecker checker_{options()};
};

TEST_F(Password, right_and_wrong_are_told_apart) {
  EXPECT_EQ(check("secret"), Answer::right);
  EXPECT_EQ(check("secret "), Answer::wrong);
  EXPECT_EQ(check(""), Answer::wrong);
}

TEST_F(Password, a_remembered_password_costs_nothing_of_the_budget) {
  EXPECT_EQ(check("secret"), Answer::right);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(check("secret"), Answer::right);
  EXPECT_EQ(checks_left(), 9);
  EXPECT_EQ(check("secret"), Answer::right);
  EXPECT_EQ(check("wrong"), Answer::busy);
}

TEST_F(Password, wrong_passwords_are_not_remembered) {
  for (int i = 0; i < 4; ++i) EXPECT_EQ(check("wrong"), Answer::wrong);
  EXPECT_EQ(checker_.remembered(), 0U);
  EXPECT_EQ(checks_left(), 6);
}

TEST_F(Password, the_budget_fills_up_again) {
  EXPECT_EQ(checks_left(), 10);
  clock_.advance(milliseconds(99));
  EXPECT_EQ(check("secret"), Answer::busy);
  clock_.advance(milliseconds(1));
  EXPECT_EQ(check("secret"), Answer::right);
  clock_.advance(seconds(100));
  EXPECT_EQ(checks_left(), 10);
}

TEST_F(Password, what_is_remembered_ends_with_its_time_however_often_used) {
  EXPECT_EQ(check("secret"), Answer::right);
  clock_.advance(seconds(299));
  EXPECT_EQ(check("secret"), Answer::right);
  EXPECT_EQ(checks_left(), 10);
  clock_.advance(seconds(1));
  EXPECT_EQ(checks_left(), 10);
  EXPECT_EQ(check("secret"), Answer::busy);
  EXPECT_EQ(checker_.remembered(), 0U);
}

TEST_F(Password, a_password_is_remembered_for_its_user_and_verifier_alone) {
  EXPECT_EQ(check("secret"), Answer::right);
  EXPECT_EQ(checks_left(), 9);
  EXPECT_EQ(check("secret", "bob"), Answer::busy);
  ScramVerifier changed = make_scram_verifier("other", 16);
  EXPECT_EQ(checker_.check("alice", changed, "secret", clock_.steady()), Answer::busy);
  clock_.advance(seconds(1));
  EXPECT_EQ(checker_.check("alice", changed, "secret", clock_.steady()), Answer::wrong);
}

TEST_F(Password, the_cache_is_bounded_and_forgets_the_least_used) {
  for (auto user : {"a", "b", "c", "a", "d"}) EXPECT_EQ(check("secret", user), Answer::right);
  EXPECT_EQ(checker_.remembered(), 3U);
  checks_left();
  EXPECT_EQ(check("secret", "a"), Answer::right);
  EXPECT_EQ(check("secret", "b"), Answer::busy);
}

TEST_F(Password, a_costly_verifier_takes_more_of_the_budget) {
  ScramVerifier costly = make_scram_verifier("secret", 3 * kScramIterationsDefault + 1);
  EXPECT_EQ(checker_.check("alice", costly, "secret", clock_.steady()), Answer::right);
  EXPECT_EQ(checks_left(), 6);
}

TEST_F(Password, unknown_users_are_wrong_until_the_budget_is_spent) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(checker_.check_unknown("secret", clock_.steady()), Answer::wrong);
  EXPECT_EQ(checker_.check_unknown("secret", clock_.steady()), Answer::busy);
}

}  // namespace
}  // namespace parley::plugin
