#include "wire/trace.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace parley::wire {
namespace {

constexpr std::string_view kGood = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(TraceParent, is_read_as_the_standard_has_it) {
  const auto parent = parse_traceparent(kGood);
  ASSERT_TRUE(parent);
  EXPECT_EQ(parent->trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(parent->span_id, "00f067aa0ba902b7");
  EXPECT_TRUE(parent->sampled);
  EXPECT_FALSE(parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")->sampled);
  EXPECT_FALSE(parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0e")->sampled);
  EXPECT_TRUE(parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0f")->sampled);
  EXPECT_EQ(parse_traceparent("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes-later"),
            parent);
}

TEST(TraceParent, anything_else_is_none) {
  for (const std::string_view wrong : {"", "00", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                                       "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
                                       "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x",
                                       "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                                       "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                                       "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                                       "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
                                       "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                                       "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
                                       "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"})
    EXPECT_FALSE(parse_traceparent(wrong)) << wrong;
}

MessageTrace example() {
  return {.trace_id = std::string(32, 'a'),
          .parent_id = std::string(16, 'b'),
          .span_id = std::string(16, 'c'),
          .room_id = 7,
          .room = "lab",
          .seq = 17,
          .id = "01JD0000000000000000000000",
          .begin_us = 10,
          .end_us = 12};
}

TEST(MessageTrace, comes_back_as_it_was_written) {
  auto trace = example();
  EXPECT_EQ(*parse_message_trace(format_message_trace(trace)), trace);
  trace.parent_id.clear();
  EXPECT_EQ(*parse_message_trace(format_message_trace(trace)), trace);
}

TEST(MessageTrace, with_a_wrong_member_is_refused) {
  const auto good = nlohmann::json::parse(format_message_trace(example()));
  const nlohmann::json wrongs{{"trace", "xyz"}, {"span", ""}, {"parent", "1"}, {"room_id", 0},
                              {"room", "a/b"},  {"seq", -1},  {"end_us", 9},   {"other", 1}};
  for (const auto& [name, wrong] : wrongs.items()) {
    auto json = good;
    json[name] = wrong;
    EXPECT_FALSE(parse_message_trace(json.dump())) << name;
  }
  EXPECT_FALSE(parse_message_trace("[]"));
  EXPECT_FALSE(parse_message_trace(std::string(5000, ' ')));
}

}  // namespace
}  // namespace parley::wire
