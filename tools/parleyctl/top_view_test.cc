#include "tools/parleyctl/top_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace parley::ctl {
namespace {

using testing::HasSubstr;
using testing::Not;

Json sample(std::int64_t at, int messages, int muted) {
  return {{"version", "1.2.3"},
          {"at", at},
          {"uptime_s", 93'784},
          {"queues",
           {{"feed", {{"length", 128}, {"capacity", 256}}}, {"reads", {{"length", 0}, {"capacity", 1000}}}}},
          {"presence", {{"online", 12}, {"away", 3}}},
          {"busy_rooms", {{{"room", "lobby"}, {"messages", 812}}, {{"room", "lab"}, {"messages", 3}}}},
          {"dependencies", {{"store", {{"state", "closed"}}}, {"cache", {{"state", "open"}}}}},
          {"broker",
           {{"attached", true},
            {"counters", {{"messages", messages}, {"refused_muted", muted}, {"refused_too_large", 7}}},
            {"gauges",
             {{"sessions", 1204},
              {"journal_backlog_bytes", 2048},
              {"journal_max_bytes", 1 << 30},
              {"journal_age_seconds", 0.25}}},
            {"queues", {{"events", {{"length", 9000}, {"capacity", 10000}}}}}}}};
}

TEST(TopView, rates_are_what_counters_grew_by_in_a_second) {
  const auto rates = rates_between(sample(1000, 100, 0), sample(3000, 150, 3));
  EXPECT_EQ(rates["messages"], 25);
  EXPECT_EQ(rates["refused_muted"], 1.5);
  EXPECT_EQ(rates["refused_too_large"], 0);
}

TEST(TopView, there_are_no_rates_across_a_restart_of_the_broker_or_without_time) {
  EXPECT_EQ(rates_between(sample(1000, 100, 0), sample(3000, 5, 0)), Json::object());
  EXPECT_EQ(rates_between(sample(1000, 100, 0), sample(1000, 105, 0)), Json::object());
  EXPECT_EQ(rates_between(Json::object(), Json::object()), Json::object());
}

TEST(TopView, shows_what_goes_on) {
  const auto screen = top_screen(sample(1000, 100, 0), sample(3000, 150, 3), 120, 100);
  EXPECT_THAT(screen, HasSubstr("Parley 1.2.3   up 1 d 2 h"));
  EXPECT_THAT(screen, HasSubstr("cache open, store works"));
  EXPECT_THAT(screen, HasSubstr("sessions 1,204     users online 12        away 3"));
  EXPECT_THAT(screen, HasSubstr("messages        25          150"));
  EXPECT_THAT(screen, HasSubstr("refused         1.5         muted 1.5\n"));
  EXPECT_THAT(screen, HasSubstr("not stored yet  2 KiB of 1 GiB, the oldest for 0.2 s"));
  EXPECT_THAT(screen, HasSubstr("queues          events 9,000 of 10,000, feed 128 of 256\n"));
  EXPECT_THAT(screen, HasSubstr("812         lobby\n3           lab\n"));
}

TEST(TopView, fits_its_terminal) {
  const auto screen = top_screen(sample(1000, 100, 0), sample(3000, 150, 3), 40, 10);
  std::istringstream lines(screen);
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) EXPECT_LE(line.size(), 40u);
  EXPECT_EQ(count, 10u);
}

TEST(TopView, says_when_the_broker_does_not_answer) {
  auto now = sample(3000, 150, 3);
  now["broker"] = {{"attached", false}};
  EXPECT_THAT(top_screen(sample(1000, 100, 0), now, 120, 100), HasSubstr("the broker does not answer"));
}

TEST(TopView, a_room_cannot_move_the_cursor) {
  auto now = sample(3000, 150, 3);
  now["busy_rooms"] = {{{"room", "a\x1b[2J"}, {"messages", 1}}};
  EXPECT_THAT(top_screen(now, now, 120, 100), Not(HasSubstr("\x1b")));
}

TEST(TopView, numbers_are_short) {
  EXPECT_EQ(short_number(0), "0");
  EXPECT_EQ(short_number(12.34), "12.3");
  EXPECT_EQ(short_number(1234567), "1,234,567");
  EXPECT_EQ(short_bytes(0), "0 B");
  EXPECT_EQ(short_bytes(1536), "1.5 KiB");
  EXPECT_EQ(short_time(59), "59 s");
  EXPECT_EQ(short_time(3600), "1 h");
  EXPECT_EQ(short_time(200'000), "2 d 7 h");
}

}  // namespace
}  // namespace parley::ctl
