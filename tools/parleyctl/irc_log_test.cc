#include "tools/parleyctl/irc_log.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/file.h"
#include "source_dir.h"

namespace parley::ctl {
namespace {

using namespace std::chrono;
using namespace std::chrono_literals;

constexpr year_month_day kDay{2006y / June / 5};
constexpr std::int64_t kMidnight = 1'149'465'600'000;

std::int64_t at(hours h, minutes m) {
  return kMidnight + milliseconds{h + m}.count();
}

TEST(IrcLog, messages_and_actions_are_said_and_the_rest_is_skipped) {
  auto log = parse_irc_log(
      "[08:00] <alice> hi  there \n"
      "=== bob [n=b@host]  has joined #ubuntu\n"
      "\n"
      "[08:01]  * bob waves\r\n"
      "[08:01] -ChanServ- welcome\n"
      "[25:00] <carol> never\n"
      "no log line\n"
      "[08:02] <@dave> <3",
      kDay);
  ASSERT_EQ(log.said.size(), 3u);
  EXPECT_EQ(log.lines, 8u);
  EXPECT_EQ(log.skipped, 5u);
  EXPECT_EQ(log.said[0].line, 1u);
  EXPECT_EQ(log.said[0].nick, "alice");
  EXPECT_EQ(log.said[0].text, "hi  there ");
  EXPECT_FALSE(log.said[0].action);
  EXPECT_EQ(log.said[0].sent_at_ms, at(8h, 0min));
  EXPECT_EQ(log.said[1].line, 4u);
  EXPECT_EQ(log.said[1].nick, "bob");
  EXPECT_EQ(log.said[1].text, "waves");
  EXPECT_TRUE(log.said[1].action);
  EXPECT_EQ(log.said[2].nick, "dave");
  EXPECT_EQ(log.said[2].text, "<3");
}

TEST(IrcLog, nicks_of_odd_characters_and_lines_without_text_are_kept) {
  auto log = parse_irc_log(
      "[11:14] <zcat[1] > hm\n[11:25] <pirate>\n[11:26] <pirate> \n[11:27] <Guard] [an> x\n", kDay);
  ASSERT_EQ(log.said.size(), 4u);
  EXPECT_EQ(log.said[0].nick, "zcat[1]");
  EXPECT_EQ(log.said[1].text, "");
  EXPECT_EQ(log.said[2].text, "");
  EXPECT_EQ(log.said[3].nick, "Guard] [an");
}

TEST(IrcLog, past_midnight_a_day_is_added) {
  auto log = parse_irc_log("[23:59] <a> 1\n[00:00] <a> 2\n[23:58] <a> 3\n[00:01] <a> 4\n", kDay);
  ASSERT_EQ(log.said.size(), 4u);
  EXPECT_EQ(log.said[1].sent_at_ms, at(24h, 0min));
  EXPECT_EQ(log.said[3].sent_at_ms, at(48h, 1min));
}

TEST(IrcLog, a_twelve_hour_clock_goes_round_at_noon) {
  auto log = parse_irc_log("[11:59] <a> 1\n[00:01] <a> 2\n[11:00] <a> 3\n[00:10] <a> 4\n", kDay);
  ASSERT_EQ(log.said.size(), 4u);
  EXPECT_EQ(log.said[1].sent_at_ms, at(12h, 1min));
  EXPECT_EQ(log.said[3].sent_at_ms, at(24h, 10min));
}

TEST(IrcLog, a_clock_set_back_an_hour_stays_in_its_day) {
  auto log = parse_irc_log("[13:30:10] <a> 1\n[12:31:00] <a> 2\n", kDay);
  ASSERT_EQ(log.said.size(), 2u);
  EXPECT_EQ(log.said[1].sent_at_ms, at(12h, 31min));
}

TEST(IrcLog, a_line_longer_than_the_limit_is_skipped) {
  auto log = parse_irc_log("[08:00] <a> " + std::string(kIrcLineMax, 'x') + "\n[08:00] <a> y\n", kDay);
  EXPECT_EQ(log.said.size(), 1u);
  EXPECT_EQ(log.skipped, 1u);
}

TEST(IrcLog, date_is_found_in_the_file_name) {
  EXPECT_EQ(date_in_name("2006-06-05.train-a.txt"), kDay);
  EXPECT_EQ(date_in_name("#ubuntu-2006-06-05.log"), kDay);
  EXPECT_EQ(date_in_name("2006-13-05.txt"), std::nullopt);
  EXPECT_EQ(date_in_name("log.txt"), std::nullopt);
}

TEST(IrcLog, the_real_log_is_read_to_its_last_line) {
  const char* folder = std::getenv("PARLEY_IRC_DATA");
  const std::filesystem::path dir = folder ? folder : PARLEY_SOURCE_DIR "/../shared/data/irc";
  if (!std::filesystem::is_directory(dir)) GTEST_SKIP() << "the real log is not here: " << dir;
  std::size_t said = 0, actions = 0, lines = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir)) {
    auto date = date_in_name(entry.path().filename().string());
    if (!date) continue;
    auto bytes = read_file(entry.path());
    ASSERT_TRUE(bytes.has_value()) << entry.path();
    auto log = parse_irc_log(*bytes, *date);
    said += log.said.size();
    lines += log.lines;
    for (const auto& line : log.said) actions += line.action ? 1 : 0;
    for (std::size_t i = 1; i < log.said.size(); ++i) {
      ASSERT_GE(log.said[i].sent_at_ms, log.said[i - 1].sent_at_ms)
          << entry.path() << ":" << log.said[i].line;
    }
  }
  EXPECT_EQ(lines, 23'087u);
  EXPECT_EQ(said, 20'338u);
  EXPECT_EQ(actions, 35u);
}

}  // namespace
}  // namespace parley::ctl
