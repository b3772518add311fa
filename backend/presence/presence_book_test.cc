#include "backend/presence/presence_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace parley::backend {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using enum PresenceStatus;

constexpr const char* kAway = R"({"status":"away"})";
constexpr const char* kOnline = R"({"status":"online"})";
constexpr const char* kOffline = R"({"status":"offline"})";

class PresenceBookTest : public testing::Test {
 protected:
  void begin(std::vector<PresenceRow> shown = {}, WallTime watched = {}) {
    book.begin(shown, watched);
    book.complete(clock.steady());
  }
  void connect(std::uint64_t number, const std::string& device = "al-phone", const std::string& user = "al") {
    book.connected({number, user, device}, clock.steady());
  }
  void disconnect(std::uint64_t number) { book.disconnected(number, clock.wall(), clock.steady()); }
  void say(const char* status, const std::string& device = "al-phone") {
    book.status("al", device, status, clock.steady());
  }
  // What is shown from now on; as "al online".
  std::vector<std::string> show() {
    std::vector<std::string> out;
    for (const auto& row : book.due(clock.steady(), clock.wall(), 100)) {
      out.push_back(row.user + " " + std::string(presence_name(row.status)));
      last_seen = row.last_seen;
      book.shown(row, clock.steady());
    }
    return out;
  }
  std::vector<std::string> show_after(std::chrono::milliseconds time) {
    clock.advance(time);
    return show();
  }

  FakeClock clock;
  PresenceBook book{{.settle = 1s, .leave_grace = 15s}};
  WallTime last_seen{};
};

TEST_F(PresenceBookTest, who_connects_is_online_when_it_has_settled) {
  begin();
  connect(1);
  EXPECT_THAT(show_after(999ms), IsEmpty());
  EXPECT_THAT(show_after(1ms), ElementsAre("al online"));
  EXPECT_EQ(last_seen, clock.wall());
  EXPECT_THAT(show_after(1h), IsEmpty());
}

TEST_F(PresenceBookTest, who_leaves_is_offline_after_the_grace_and_was_seen_when_they_left) {
  begin();
  connect(1);
  show_after(1s);
  disconnect(1);
  const auto left = clock.wall();
  EXPECT_THAT(show_after(14999ms), IsEmpty());
  EXPECT_THAT(show_after(1ms), ElementsAre("al offline"));
  EXPECT_EQ(last_seen, left);
}

TEST_F(PresenceBookTest, who_is_back_within_the_grace_was_never_gone) {
  begin();
  connect(1);
  show_after(1s);
  disconnect(1);
  clock.advance(10s);
  connect(2);
  EXPECT_THAT(show_after(1h), IsEmpty());
}

TEST_F(PresenceBookTest, twenty_flaps_in_ten_seconds_show_nothing_until_they_end) {
  begin();
  std::vector<std::string> all;
  for (std::uint64_t flap = 1; flap <= 20; ++flap) {
    connect(flap);
    say(flap % 2 ? kAway : kOnline);
    for (const auto& what : show_after(250ms)) all.push_back(what);
    disconnect(flap);
    for (const auto& what : show_after(250ms)) all.push_back(what);
  }
  EXPECT_THAT(all, IsEmpty());
  connect(21);
  EXPECT_THAT(show_after(1s), ElementsAre("al online"));
}

TEST_F(PresenceBookTest, a_takeover_is_one_device_whichever_is_heard_of_first) {
  begin();
  connect(1);
  show_after(1s);
  connect(2);
  disconnect(1);
  EXPECT_THAT(show_after(1h), IsEmpty());
  disconnect(3);  // not known: told of before
  disconnect(2);
  EXPECT_THAT(show_after(15s), ElementsAre("al offline"));
}

TEST_F(PresenceBookTest, away_is_who_is_away_on_all_devices_connected) {
  begin();
  connect(1, "al-phone");
  connect(2, "al-pad");
  show_after(1s);
  say(kAway, "al-phone");
  EXPECT_THAT(show_after(1h), IsEmpty());
  say(kAway, "al-pad");
  EXPECT_THAT(show_after(1s), ElementsAre("al away"));
  say(kOnline, "al-pad");
  EXPECT_THAT(show_after(1s), ElementsAre("al online"));
  disconnect(2);
  EXPECT_THAT(show_after(1s), ElementsAre("al away"));
}

TEST_F(PresenceBookTest, a_late_will_does_not_beat_a_connection) {
  begin();
  connect(1);
  show_after(1s);
  connect(2);
  disconnect(1);
  say(kOffline);
  EXPECT_THAT(show_after(1h), IsEmpty());
}

TEST_F(PresenceBookTest, no_status_beats_a_connection_that_ended) {
  begin();
  connect(1);
  show_after(1s);
  disconnect(1);
  say(kOnline);
  EXPECT_THAT(show_after(15s), ElementsAre("al offline"));
}

TEST_F(PresenceBookTest, an_invisible_one_is_offline_at_once_and_seen_at_that_moment) {
  begin();
  connect(1);
  show_after(1s);
  clock.advance(1min);
  book.set_invisible("al", true, clock.wall(), clock.steady());
  const auto hid = clock.wall();
  EXPECT_THAT(show(), ElementsAre("al offline"));
  EXPECT_EQ(last_seen, hid);
  connect(2, "al-pad");
  disconnect(1);
  disconnect(2);
  EXPECT_THAT(show_after(1h), IsEmpty());
  connect(3);
  book.set_invisible("al", false, clock.wall(), clock.steady());
  EXPECT_THAT(show(), ElementsAre("al online"));
}

TEST_F(PresenceBookTest, invisibility_is_known_from_the_store) {
  begin({{.user = "al", .invisible = true}});
  connect(1);
  EXPECT_THAT(show_after(1h), IsEmpty());
  EXPECT_TRUE(book.invisible("al"));
}

TEST_F(PresenceBookTest, who_was_shown_and_is_gone_after_a_crash_was_last_seen_when_last_watched) {
  const auto watched = clock.wall() - 1min;
  begin({{.user = "al", .status = online, .last_seen = clock.wall() - 1h},
         {.user = "bo", .status = away, .last_seen = clock.wall() - 1h}},
        watched);
  connect(1, "bo-phone", "bo");
  EXPECT_THAT(show_after(1s), ElementsAre("bo online"));
  EXPECT_THAT(show_after(14s), ElementsAre("al offline"));
  EXPECT_EQ(last_seen, watched);
}

TEST_F(PresenceBookTest, before_the_list_is_complete_nothing_is_shown) {
  book.begin({{.user = "al", .status = online}}, {});
  connect(1, "bo-phone", "bo");
  EXPECT_THAT(show_after(1h), IsEmpty());
  book.complete(clock.steady());
  EXPECT_THAT(show_after(1s), ElementsAre("bo online"));
}

TEST_F(PresenceBookTest, an_end_heard_of_before_the_list_names_the_session_counts) {
  book.begin({}, {});
  disconnect(1);
  book.listed({1, "al", "al-phone"}, clock.steady());
  book.listed({2, "bo", "bo-phone"}, clock.steady());
  book.complete(clock.steady());
  EXPECT_THAT(show_after(1h), ElementsAre("bo online"));
}

TEST_F(PresenceBookTest, nothing_is_heard_while_it_has_not_begun) {
  connect(1);
  say(kOnline);
  book.set_invisible("al", true, clock.wall(), clock.steady());
  EXPECT_FALSE(book.next_due());
  EXPECT_EQ(book.sessions(), 0u);
  EXPECT_FALSE(book.invisible("al"));
}

TEST_F(PresenceBookTest, what_a_device_said_that_is_gone_is_to_be_cleared_once) {
  begin();
  say(kAway);
  connect(1, "al-pad");
  say(kOnline, "al-pad");
  say(kOffline, "al-tv");
  EXPECT_THAT(book.take_stale(clock.steady() + 14s, 10), IsEmpty());
  clock.advance(15s);
  EXPECT_THAT(book.take_stale(clock.steady(), 10), ElementsAre(Pair("al", "al-phone")));
  EXPECT_THAT(book.take_stale(clock.steady() + 1h, 10), IsEmpty());
  disconnect(1);
  EXPECT_THAT(book.take_stale(clock.steady() + 15s, 10), ElementsAre(Pair("al", "al-pad")));
}

TEST_F(PresenceBookTest, a_clearing_that_crosses_a_new_status_does_not_undo_it) {
  begin();
  say(kAway);
  clock.advance(15s);
  book.take_stale(clock.steady(), 10);
  connect(1);
  say(kAway);
  say("");  // our own clearing comes back
  EXPECT_THAT(show_after(1s), ElementsAre("al away"));
}

// Whatever order the events of one moment come in, what is shown in the end is what is the case.
TEST_F(PresenceBookTest, in_the_end_it_agrees_with_the_plainest_count) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const auto below = [&](std::uint32_t n) { return random() % n; };
  begin();
  std::map<std::uint64_t, std::string> open;
  std::map<std::string, std::string> said;
  PresenceStatus shown = offline;
  for (std::uint64_t i = 1; i <= 3000; ++i) {
    const std::string device = "al-" + std::to_string(below(3));
    if (below(3) == 0) {
      const char* status = below(3) == 0 ? kOffline : below(2) ? kAway : kOnline;
      say(status, device);
      said[device] = status;
    } else if (below(2) == 0 || open.empty()) {
      connect(i, device);
      open[i] = device;
    } else {
      const auto at = std::next(open.begin(), below(static_cast<std::uint32_t>(open.size())));
      disconnect(at->first);
      open.erase(at);
    }
    clock.advance(std::chrono::milliseconds(below(4) ? 300 : 20'000));
    for (auto& [user, gone] : book.take_stale(clock.steady(), 10)) said.erase(gone), say("", gone);
    for (const auto& row : book.due(clock.steady(), clock.wall(), 10))
      shown = row.status, book.shown(row, clock.steady());
    if (below(10)) continue;
    clock.advance(1h);
    for (const auto& row : book.due(clock.steady(), clock.wall(), 10))
      shown = row.status, book.shown(row, clock.steady());
    for (auto& [user, gone] : book.take_stale(clock.steady(), 10)) said.erase(gone), say("", gone);
    PresenceStatus is = open.empty() ? offline : away;
    for (const auto& [number, device_of] : open)
      if (said[device_of] != kAway) is = online;
    ASSERT_EQ(shown, is) << i;
  }
}

}  // namespace
}  // namespace parley::backend
