#include "backend/control/conversation.h"

#include <gtest/gtest.h>

#include "wire/request.h"

namespace parley::backend {
namespace {

using namespace std::chrono_literals;

class Sent final : public Publisher {
 public:
  Result<> publish(Publication message) override {
    if (away) return fail(Errc::unavailable, "away");
    commands.push_back(wire::parse_command(message.payload).value());
    return {};
  }
  bool away = false;
  std::vector<wire::Command> commands;
};

class ConversationTest : public testing::Test {
 protected:
  void send(SteadyTime deadline = SteadyTime{} + 1s) {
    conversation.send(3, wire::Stats{}, deadline,
                      [this](Result<nlohmann::json> r) { results.push_back(std::move(r)); });
  }
  Sent sent;
  Metrics metrics;
  Conversation conversation{sent, metrics, 2};
  std::vector<Result<nlohmann::json>> results;
};

TEST_F(ConversationTest, answers_find_their_commands_by_id_whatever_the_order) {
  std::string order;
  conversation.send(3, wire::Stats{}, SteadyTime{} + 1s, [&](auto r) { order += r->value("n", "?"); });
  conversation.send(3, wire::Stats{}, SteadyTime{} + 1s, [&](auto r) { order += r->value("n", "?"); });
  conversation.answer(wire::format_reply(sent.commands[1].id, {{"n", "2"}}));
  conversation.answer(wire::format_reply(sent.commands[0].id, {{"n", "1"}}));
  conversation.answer(wire::format_reply(sent.commands[0].id, {{"n", "again"}}));
  EXPECT_EQ(order, "21");
  EXPECT_EQ(sent.commands[0].generation, 3u);
}

TEST_F(ConversationTest, strangers_and_nonsense_are_ignored) {
  send();
  conversation.answer("");
  conversation.answer("[]");
  conversation.answer(wire::format_reply("c1", nlohmann::json::object()));
  EXPECT_TRUE(results.empty());
  EXPECT_EQ(metrics.counter("parley_control_strays_total", "").value(), 3);
}

TEST_F(ConversationTest, failures_say_what_can_be_done) {
  const std::pair<wire::Code, Errc> table[] = {{wire::Code::not_allowed, Errc::permission_denied},
                                               {wire::Code::unavailable, Errc::unavailable},
                                               {wire::Code::backlog_full, Errc::unavailable},
                                               {wire::Code::invalid_argument, Errc::invalid_argument},
                                               {wire::Code::not_found, Errc::not_found},
                                               {wire::Code::internal, Errc::internal}};
  for (const auto& [code, errc] : table) {
    send();
    conversation.answer(wire::format_failure(sent.commands.back().id, {code, "why"}));
    EXPECT_EQ(results.back().error(), (Error{errc, "why"}));
  }
}

TEST_F(ConversationTest, late_answers_leave_the_command_in_doubt) {
  send(SteadyTime{} + 2s);
  send(SteadyTime{} + 1s);
  EXPECT_EQ(conversation.next_deadline(), SteadyTime{} + 1s);
  conversation.expire(SteadyTime{} + 1s);
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0].error().code, Errc::in_doubt);
  conversation.abandon("for a test");
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[1].error().code, Errc::in_doubt);
  EXPECT_FALSE(conversation.next_deadline());
}

TEST_F(ConversationTest, what_was_not_sent_changed_nothing) {
  sent.away = true;
  send();
  EXPECT_EQ(results.back().error().code, Errc::unavailable);
  sent.away = false;
  send();
  send();
  send();
  EXPECT_EQ(results.back().error().code, Errc::unavailable);
  EXPECT_EQ(sent.commands.size(), 2u);
}

TEST_F(ConversationTest, a_command_too_large_for_one_message_is_not_sent) {
  wire::Append append;
  append.entries.push_back({.room = 1,
                            .from = "a",
                            .role = "",
                            .type = "text",
                            .ref = "r",
                            .content = R"({"text":")" + std::string(600'000, 'x') + R"("})"});
  conversation.send(1, append, SteadyTime{} + 1s,
                    [&](Result<nlohmann::json> r) { results.push_back(std::move(r)); });
  EXPECT_EQ(results.back().error().code, Errc::invalid_argument);
  EXPECT_TRUE(sent.commands.empty());
}

}  // namespace
}  // namespace parley::backend
