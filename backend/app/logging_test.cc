#include "backend/app/logging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace parley::backend {
namespace {

std::string logged(LogFormat format, LogLevel at, std::string_view line) {
  testing::internal::CaptureStderr();
  Log(LogLevel::info, format).sink()(at, line);
  return testing::internal::GetCapturedStderr();
}

TEST(Logging, lines_of_text_have_time_level_and_no_line_breaks) {
  EXPECT_THAT(logged(LogFormat::text, LogLevel::warning, "one\ntwo"),
              testing::MatchesRegex("[0-9-]+T[0-9:.]+Z warning: one two\n"));
}

TEST(Logging, lines_below_the_level_are_left_out) {
  EXPECT_EQ(logged(LogFormat::text, LogLevel::debug, "x"), "");
  EXPECT_NE(logged(LogFormat::text, LogLevel::error, "x"), "");
}

TEST(Logging, the_level_changes_for_sinks_that_were_given_out) {
  testing::internal::CaptureStderr();
  Log log(LogLevel::info, LogFormat::text);
  const auto sink = log.sink();
  log.set_level(LogLevel::debug);
  sink(LogLevel::debug, "now heard");
  log.set_level(LogLevel::error);
  sink(LogLevel::warning, "not any more");
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::EndsWith("debug: now heard\n"));
}

TEST(Logging, json_lines_are_json_whatever_is_in_them) {
  const std::string line = "a \"quoted\" {brace} %v \n\\ \xff end";
  const auto json = nlohmann::json::parse(logged(LogFormat::json, LogLevel::error, line));
  EXPECT_EQ(json["level"], "error");
  EXPECT_EQ(json["message"], "a \"quoted\" {brace} %v \n\\ \xef\xbf\xbd end");
}

TEST(Logging, events_have_a_member_for_each_fact) {
  const auto event = [](LogFormat format) {
    testing::internal::CaptureStderr();
    Log(LogLevel::debug, format)
        .events()(LogLevel::debug, "message stored",
                  {{"id", "01M8"}, {"room", "a \"b\""}, {"seq", std::uint64_t{17}}, {"ref", ""}});
    return testing::internal::GetCapturedStderr();
  };
  auto json = nlohmann::json::parse(event(LogFormat::json));
  EXPECT_FALSE(json["time"].get<std::string>().empty());
  json.erase("time");
  EXPECT_EQ(json,
            nlohmann::json::parse(
                R"({"level":"debug","message":"message stored","id":"01M8","room":"a \"b\"","seq":17})"));
  EXPECT_THAT(event(LogFormat::text),
              testing::EndsWith("debug: message stored id=01M8 room=\"a \\\"b\\\"\" seq=17\n"));
}

TEST(Logging, events_below_the_level_are_not_wanted) {
  Log log(LogLevel::info, LogFormat::json);
  const auto events = log.events();
  EXPECT_FALSE(events.wanted(LogLevel::debug));
  log.set_level(LogLevel::debug);
  EXPECT_TRUE(events.wanted(LogLevel::debug));
}

}  // namespace
}  // namespace parley::backend
