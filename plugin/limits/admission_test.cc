#include "plugin/limits/admission.h"

#include <gtest/gtest.h>

namespace parley::plugin {
namespace {

using namespace std::chrono_literals;
using Cause = NotNow::Cause;

class AtTheDoor : public testing::Test {
 protected:
  std::optional<Cause> ask(const Arrival& arrival) {
    const auto refused = admission_.may_connect(arrival, clock_.steady(), clock_.wall());
    return refused ? std::optional(refused->cause) : std::nullopt;
  }
  void guess_wrong(const Arrival& arrival) { admission_.login_failed(arrival, clock_.steady()); }
  std::optional<wire::Ban> log_in(const Arrival& arrival) {
    return admission_.login_ok(arrival, clock_.steady(), clock_.wall());
  }
  // Guesses until the door is shut, and says how often.
  int guess_until_slowed(const Arrival& arrival, int most = 1000) {
    int guesses = 0;
    while (guesses < most && !ask(arrival)) guess_wrong(arrival), ++guesses;
    return guesses;
  }
  void ban(wire::BanKind kind, std::string target) {
    bans_.add({.kind = kind, .target = std::move(target), .by = "root", .at_ms = 1});
  }

  FakeClock clock_;
  BanIndex bans_;
  AdmissionOptions options_{
      .connects = {10, 2000}, .flap_connects = 5, .trusted = {*wire::parse_network("127.0.0.0/8")}};
  Admission admission_{options_, bans_};
  const Arrival alice_{.address = "192.0.2.1", .client_id = "alice-phone", .user = "alice"};
  const Arrival stranger_{.address = "198.51.100.9", .client_id = "x", .user = "alice"};
};

TEST_F(AtTheDoor, an_address_connects_so_often_and_no_other_pays_for_it) {
  Admission small({.connects = {10, 3}}, bans_);
  auto ask = [&](std::string_view address) {
    return small.may_connect({.address = address}, clock_.steady(), clock_.wall()).has_value();
  };
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(ask("192.0.2.1"));
  EXPECT_TRUE(ask("192.0.2.1"));
  EXPECT_TRUE(ask("::ffff:192.0.2.1"));
  EXPECT_FALSE(ask("192.0.2.2"));
  clock_.advance(100ms);
  EXPECT_FALSE(ask("192.0.2.1"));
  EXPECT_TRUE(ask("192.0.2.1"));
}

TEST_F(AtTheDoor, an_ipv6_household_is_one_address) {
  Admission small({.connects = {10, 2}}, bans_);
  auto ask = [&](std::string_view address) {
    return small.may_connect({.address = address}, clock_.steady(), clock_.wall()).has_value();
  };
  EXPECT_FALSE(ask("2001:db8::1"));
  EXPECT_FALSE(ask("2001:db8::2"));
  EXPECT_TRUE(ask("2001:db8::3"));
  EXPECT_FALSE(ask("2001:db8:0:1::1"));
}

TEST_F(AtTheDoor, behind_a_proxy_nobody_is_counted_by_address) {
  Admission small({.connects = {10, 1}, .trusted = options_.trusted}, bans_);
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(small.may_connect({.address = "127.0.0.1"}, clock_.steady(), clock_.wall()));
    EXPECT_FALSE(small.may_connect({.address = ""}, clock_.steady(), clock_.wall()));
  }
  EXPECT_EQ(small.tracked_addresses(), 0u);
}

TEST_F(AtTheDoor, wrong_passwords_are_looked_at_slower_and_slower) {
  EXPECT_EQ(guess_until_slowed(stranger_), 6);  // five are free
  EXPECT_EQ(ask(stranger_), Cause::slowed);
  int guesses = 0;
  for (auto t = 0s; t < 24h; t += 1s, clock_.advance(1s))
    if (!ask(stranger_)) guess_wrong(stranger_), ++guesses;
  EXPECT_LT(guesses, 24 * 7);  // a day of trying, once a second
  EXPECT_GT(guesses, 24 * 3);
}

TEST_F(AtTheDoor, who_guesses_from_elsewhere_locks_nobody_out) {
  guess_until_slowed(stranger_);
  EXPECT_EQ(ask(alice_), std::nullopt);
  EXPECT_EQ(ask({.address = "198.51.100.9", .client_id = "x", .user = "bob"}), std::nullopt);
}

TEST_F(AtTheDoor, many_names_from_one_address_are_slowed_as_well) {
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i) names.push_back("user" + std::to_string(i));
  int guesses = 0;
  for (const auto& name : names) {
    const Arrival arrival{.address = "198.51.100.9", .client_id = "x", .user = name};
    if (!ask(arrival)) guess_wrong(arrival), ++guesses;
  }
  EXPECT_EQ(guesses, 51);
  EXPECT_EQ(ask({.address = "198.51.100.9", .user = "carol"}), Cause::slowed);
  EXPECT_EQ(ask({.address = "198.51.100.9", .user = "carol", .guessable = false}), std::nullopt);
}

TEST_F(AtTheDoor, own_account_forgives_no_guesses_at_others) {
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i) names.push_back("user" + std::to_string(i));
  const Arrival own{.address = "198.51.100.9", .client_id = "mallory-1", .user = "mallory"};
  int guesses = 0;
  for (const auto& name : names) {
    log_in(own);
    const Arrival arrival{.address = "198.51.100.9", .client_id = "x", .user = name};
    if (!ask(arrival)) guess_wrong(arrival), ++guesses;
    clock_.advance(100ms);
  }
  EXPECT_LT(guesses, 60);
}

TEST_F(AtTheDoor, guesses_from_a_thousand_addresses_are_slowed_but_known_addresses_and_devices_are_not) {
  log_in(alice_);
  std::vector<std::string> addresses;
  for (int i = 0; i < 1000; ++i)
    addresses.push_back("203.0." + std::to_string(i / 250) + "." + std::to_string(i % 250));
  int guesses = 0;
  for (const auto& address : addresses) {
    const Arrival arrival{.address = address, .client_id = "x", .user = "alice"};
    if (!ask(arrival)) guess_wrong(arrival), ++guesses;
  }
  EXPECT_EQ(guesses, 101);
  EXPECT_EQ(ask(alice_), std::nullopt);
  EXPECT_EQ(ask({.address = "192.0.2.1", .client_id = "alice-new", .user = "alice"}), std::nullopt);
  EXPECT_EQ(ask({.address = "192.0.2.77", .client_id = "alice-new", .user = "alice"}), Cause::slowed);
  clock_.advance(61s);  // never longer than a minute
  EXPECT_EQ(ask({.address = "192.0.2.77", .client_id = "alice-new", .user = "alice"}), std::nullopt);
}

TEST_F(AtTheDoor, a_phone_with_an_old_password_keeps_no_other_device_out) {
  const Arrival laptop{.address = "192.0.2.1", .client_id = "alice-laptop", .user = "alice"};
  log_in(laptop);
  guess_until_slowed(alice_);
  EXPECT_EQ(ask(alice_), Cause::slowed);
  EXPECT_EQ(ask(laptop), std::nullopt);
  // A known device has failures of its own: whoever takes its name has five guesses as well.
  EXPECT_EQ(guess_until_slowed(laptop), 6);
}

TEST_F(AtTheDoor, the_right_password_forgives_the_wrong_ones_before) {
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 4; ++i) guess_wrong(alice_);
    ASSERT_EQ(ask(alice_), std::nullopt);
    log_in(alice_);
  }
}

TEST_F(AtTheDoor, the_backend_comes_in_whatever_strangers_do) {
  Admission small({.connects = {1, 1}}, bans_);
  const Arrival backend{.address = "198.51.100.9", .client_id = "parleyd-1", .user = "$parleyd"};
  for (int i = 0; i < 500; ++i) small.login_failed(backend, clock_.steady());
  ban(wire::BanKind::network, "198.51.100.0/24");
  ban(wire::BanKind::client, "parleyd-1");
  EXPECT_FALSE(small.may_connect(backend, clock_.steady(), clock_.wall()));
  EXPECT_FALSE(small.login_ok(backend, clock_.steady(), clock_.wall()));
  // Its wrong secrets slow whoever gave them.
  EXPECT_TRUE(
      small.may_connect({.address = "198.51.100.9", .user = "alice"}, clock_.steady(), clock_.wall()));
}

TEST_F(AtTheDoor, a_client_id_that_comes_and_goes_without_end_is_banned_for_a_while) {
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(log_in(alice_));
  const auto given = log_in(alice_);
  ASSERT_TRUE(given);
  EXPECT_EQ(given->kind, wire::BanKind::client);
  EXPECT_EQ(given->target, "alice-phone");
  EXPECT_EQ(given->by, "");
  bans_.add(*given);
  EXPECT_EQ(ask(alice_), Cause::banned);
  EXPECT_EQ(ask({.address = "192.0.2.1", .client_id = "alice-laptop", .user = "alice"}), std::nullopt);
  clock_.advance(301s);
  EXPECT_EQ(ask(alice_), std::nullopt);
  for (int i = 0; i < 50; ++i, clock_.advance(13s)) EXPECT_FALSE(log_in(alice_)) << i;
}

TEST_F(AtTheDoor, bans_hold_for_users_client_ids_and_networks) {
  ban(wire::BanKind::user, "Alice");
  EXPECT_EQ(ask(alice_), Cause::banned);
  EXPECT_FALSE(admission_.may_read("alice", "any", clock_.wall()));
  bans_.remove(wire::BanKind::user, "alice");
  EXPECT_EQ(ask(alice_), std::nullopt);
  ban(wire::BanKind::network, "192.0.2.0/25");
  EXPECT_EQ(ask(alice_), Cause::banned);
  EXPECT_EQ(ask({.address = "192.0.2.129", .client_id = "alice-phone", .user = "alice"}), std::nullopt);
  ban(wire::BanKind::client, "alice-phone");
  EXPECT_EQ(ask({.address = "192.0.2.129", .client_id = "alice-phone", .user = "alice"}), Cause::banned);
  EXPECT_FALSE(admission_.may_read("alice", "ALICE-phone", clock_.wall()));
}

TEST_F(AtTheDoor, memory_is_bounded_whatever_comes) {
  AdmissionOptions options{.addresses_max = 100, .clients_max = 100};
  options.failures.entries_max = 100;
  Admission small(options, bans_);
  std::string huge(60'000, 'a');
  for (int i = 0; i < 1000; ++i) {
    const auto name = "u" + std::to_string(i),
               address = "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250);
    const Arrival arrival{.address = address, .client_id = name, .user = name};
    small.may_connect(arrival, clock_.steady(), clock_.wall());
    small.login_failed(arrival, clock_.steady());
    small.login_ok(arrival, clock_.steady(), clock_.wall());
    small.login_failed({.address = address, .client_id = huge, .user = huge}, clock_.steady());
  }
  EXPECT_LE(small.tracked_addresses(), 200u);
  EXPECT_LE(small.tracked_failures(), 400u);
}

}  // namespace
}  // namespace parley::plugin
