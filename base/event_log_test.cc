#include "base/event_log.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace parley {
namespace {

std::string line(std::string_view event, std::initializer_list<LogField> fields) {
  return event_line(event, fields);
}

TEST(EventLog, facts_stand_behind_the_event) {
  EXPECT_EQ(line("message stored", {{"id", "01M8127E7PG3"}, {"room", "lab"}, {"seq", std::uint64_t{17}}}),
            "message stored id=01M8127E7PG3 room=lab seq=17");
}

TEST(EventLog, what_is_no_plain_word_is_quoted_and_what_is_empty_left_out) {
  EXPECT_EQ(line("x", {{"ref", ""}, {"reason", "two words"}, {"a", "b=c"}, {"q", "say \"hi\"\n"}}),
            "x reason=\"two words\" a=\"b=c\" q=\"say \\\"hi\\\"\\n\"");
}

TEST(EventLog, writes_what_is_wanted) {
  std::vector<std::string> lines;
  const EventLog log([](LogLevel level) { return level >= LogLevel::info; },
                     [&](LogLevel, std::string_view event, std::span<const LogField> fields) {
                       lines.push_back(event_line(event, fields));
                     });
  EXPECT_FALSE(log.wanted(LogLevel::debug));
  log(LogLevel::debug, "not this", {});
  log(LogLevel::info, "this", {{"n", std::uint64_t{1}}});
  EXPECT_EQ(lines, (std::vector<std::string>{"this n=1"}));
}

TEST(EventLog, one_from_nowhere_wants_nothing) {
  EXPECT_FALSE(EventLog().wanted(LogLevel::error));
  EventLog()(LogLevel::error, "x", {});
}

}  // namespace
}  // namespace parley
