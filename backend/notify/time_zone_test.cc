#include "backend/notify/time_zone.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>
#include <vector>

namespace parley::backend {
namespace {

using namespace std::chrono;

WallTime utc(int y, unsigned m, unsigned d, int hour = 0, int minute = 0) {
  return sys_days{year{y} / month{m} / day{d}} + hours{hour} + minutes{minute};
}

constexpr std::uint16_t at(int hour, int minute = 0) {
  return static_cast<std::uint16_t>(hour * 60 + minute);
}

TEST(QuietUntil, within_a_day_is_quiet_from_the_first_minute_to_the_last) {
  const QuietHours noon{at(12), at(13, 30), "UTC"};
  EXPECT_EQ(quiet_until(noon, utc(2026, 5, 4, 11, 59)), std::nullopt);
  EXPECT_EQ(quiet_until(noon, utc(2026, 5, 4, 12)), utc(2026, 5, 4, 13, 30));
  EXPECT_EQ(quiet_until(noon, utc(2026, 5, 4, 13, 30) - milliseconds{1}), utc(2026, 5, 4, 13, 30));
  EXPECT_EQ(quiet_until(noon, utc(2026, 5, 4, 13, 30)), std::nullopt);
}

TEST(QuietUntil, over_midnight_ends_the_next_day) {
  const QuietHours night{at(22), at(7), "Europe/Berlin"};  // in May 20:00 to 05:00 UTC
  EXPECT_EQ(quiet_until(night, utc(2026, 5, 4, 19, 59)), std::nullopt);
  EXPECT_EQ(quiet_until(night, utc(2026, 5, 4, 20)), utc(2026, 5, 5, 5));
  EXPECT_EQ(quiet_until(night, utc(2026, 5, 5, 4, 59)), utc(2026, 5, 5, 5));
  EXPECT_EQ(quiet_until(night, utc(2026, 5, 5, 5)), std::nullopt);
}

TEST(QuietUntil, from_equal_to_to_is_never_quiet) {
  for (int hour = 0; hour < 24; ++hour)
    EXPECT_EQ(quiet_until({at(7), at(7), "Europe/Berlin"}, utc(2026, 5, 4, hour)), std::nullopt);
  EXPECT_EQ(quiet_until({}, utc(2026, 5, 4)), std::nullopt);
}

TEST(QuietUntil, no_zone_and_an_unknown_one_are_UTC) {
  for (const auto* zone : {"", "UTC", "Europe/Atlantis", "../../etc/passwd"}) {
    EXPECT_EQ(quiet_until({at(22), at(7), zone}, utc(2026, 5, 4, 22)), utc(2026, 5, 5, 7)) << zone;
    EXPECT_EQ(quiet_until({at(22), at(7), zone}, utc(2026, 5, 4, 21, 59)), std::nullopt) << zone;
  }
}

TEST(QuietUntil, a_night_in_which_clocks_go_forward_is_an_hour_shorter) {
  const QuietHours night{at(22), at(7), "Europe/Berlin"};
  EXPECT_EQ(quiet_until(night, utc(2026, 3, 28, 21)), utc(2026, 3, 29, 5));  // begins at +1, ends at +2
}

TEST(QuietUntil, a_night_in_which_clocks_go_back_is_an_hour_longer) {
  const QuietHours night{at(22), at(7), "Europe/Berlin"};
  EXPECT_EQ(quiet_until(night, utc(2026, 10, 24, 20)), utc(2026, 10, 25, 6));
}

TEST(QuietUntil, an_end_that_comes_twice_is_the_second) {
  const QuietHours night{at(22), at(2, 30), "Europe/Berlin"};  // 02:30 is 00:30 and 01:30 UTC
  EXPECT_EQ(quiet_until(night, utc(2026, 10, 25, 0, 45)), utc(2026, 10, 25, 1, 30));
  EXPECT_EQ(quiet_until(night, utc(2026, 10, 25, 1, 30)), std::nullopt);
}

TEST(QuietUntil, a_beginning_that_comes_twice_is_the_first) {
  const QuietHours night{at(2, 30), at(7), "Europe/Berlin"};
  EXPECT_EQ(quiet_until(night, utc(2026, 10, 25, 0, 29)), std::nullopt);
  EXPECT_EQ(quiet_until(night, utc(2026, 10, 25, 1, 10)), utc(2026, 10, 25, 6));  // 02:10 for the second time
}

TEST(QuietUntil, a_time_that_is_left_out_is_when_the_clock_jumps) {
  const auto jump = utc(2026, 3, 29, 1);  // 02:00 becomes 03:00
  EXPECT_EQ(quiet_until({at(22), at(2, 30), "Europe/Berlin"}, jump - minutes{1}), jump);
  EXPECT_EQ(quiet_until({at(22), at(2, 30), "Europe/Berlin"}, jump), std::nullopt);
  EXPECT_EQ(quiet_until({at(2, 30), at(7), "Europe/Berlin"}, jump - minutes{1}), std::nullopt);
  EXPECT_EQ(quiet_until({at(2, 30), at(7), "Europe/Berlin"}, jump), utc(2026, 3, 29, 5));
  EXPECT_EQ(quiet_until({at(2, 10), at(2, 50), "Europe/Berlin"}, jump),
            std::nullopt);  // nothing is left of it
}

TEST(QuietUntil, clocks_that_go_back_over_midnight_keep_it_quiet) {
  // In 2010 00:01 became 23:01 of the day before.
  const QuietHours early{at(0), at(6), "America/St_Johns"};
  const auto first_midnight = utc(2010, 11, 7, 2, 30);
  EXPECT_EQ(quiet_until(early, first_midnight - minutes{1}), std::nullopt);
  EXPECT_EQ(quiet_until(early, first_midnight), utc(2010, 11, 7, 9, 30));
  EXPECT_EQ(quiet_until(early, first_midnight + minutes{10}), utc(2010, 11, 7, 9, 30));  // 23:10 again
}

TEST(QuietUntil, zones_of_half_and_quarter_hours_count_by_their_own_clock) {
  EXPECT_EQ(quiet_until({at(22), at(7), "Asia/Kathmandu"}, utc(2026, 5, 4, 16, 15)), utc(2026, 5, 5, 1, 15));
  EXPECT_EQ(quiet_until({at(22), at(7), "Asia/Kathmandu"}, utc(2026, 5, 4, 16, 14)), std::nullopt);
}

TEST(QuietUntil, it_is_never_quiet_any_more_when_it_ends_and_the_end_is_never_past) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const char* zones[] = {
      "", "Europe/Berlin", "America/New_York", "Pacific/Apia", "Australia/Lord_Howe", "Africa/Casablanca"};
  for (int i = 0; i < 20'000; ++i) {
    const QuietHours hours{static_cast<std::uint16_t>(random() % 1440),
                           static_cast<std::uint16_t>(random() % 1440), zones[random() % std::size(zones)]};
    const auto now = utc(2011, 1, 1) + minutes{random() % (20u * 366 * 1440)};
    const auto end = quiet_until(hours, now);
    if (!end) continue;
    ASSERT_GT(*end, now) << hours.from << ' ' << hours.to << ' ' << hours.zone << ' ' << to_ms(now);
    ASSERT_LT(*end, now + std::chrono::hours{50});
    ASSERT_EQ(quiet_until(hours, *end - milliseconds{1}), end)
        << hours.from << ' ' << hours.to << ' ' << hours.zone << ' ' << to_ms(now);
  }
}

TEST(QuietUntil, many_threads_may_ask_at_once) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([] {
      for (const auto* zone : {"Asia/Tokyo", "Europe/Paris", "America/Lima", "Africa/Cairo"})
        EXPECT_NE(quiet_until({at(0), at(23, 59), zone}, utc(2026, 5, 4, 12)), std::nullopt);
    });
}

TEST(KnownZone, knows_those_of_the_database_and_UTC_alone) {
  for (const auto* zone : {"Europe/Berlin", "America/Argentina/Buenos_Aires", "UTC", "Etc/GMT+5"})
    EXPECT_TRUE(known_zone(zone)) << zone;
  for (const auto* zone : {"", "europe/berlin", "Berlin", "+01:00", "../passwd", "Europe", "Europe/",
                           "tzdata.zi", "zone.tab", "posix/Europe/Berlin", "localtime"})
    EXPECT_FALSE(known_zone(zone)) << zone;
}

}  // namespace
}  // namespace parley::backend
