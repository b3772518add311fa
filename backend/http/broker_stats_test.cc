#include "backend/http/broker_stats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::backend {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;

class FakeBroker final : public BrokerControl {
 public:
  bool attached() const override { return true; }
  void directory_changed(std::uint64_t, std::function<void(Result<>)>) override {}
  void append(std::vector<wire::AppendEntry>,
              std::function<void(Result<std::vector<std::uint64_t>>)>) override {}
  void kick(std::string, std::string, std::function<void(Result<std::uint32_t>)>) override {}
  void sessions(wire::Sessions, std::function<void(Result<json>)>) override {}
  void forget_device(std::string, std::string, std::function<void(Result<std::uint32_t>)>) override {}
  void administer(AdminCommand, std::function<void(Result<nlohmann::json>)>) override {}
  void stats(std::function<void(Result<json>)> done) override {
    ++asked;
    if (answer)
      done(*answer);
    else
      waiting = std::move(done);
  }
  int asked = 0;
  std::optional<Result<json>> answer;
  std::function<void(Result<json>)> waiting;
};

TEST(BrokerStats, counters_and_gauges_become_metrics) {
  const auto text = format_broker_stats(
      json::parse(R"({"counters":{"messages":3,"a-b":1,"odd":"x"},"gauges":{"sessions":2}})"));
  EXPECT_EQ(text,
            "# HELP parley_broker_a_b_total Told by the broker's plugin as a-b.\n"
            "# TYPE parley_broker_a_b_total counter\nparley_broker_a_b_total 1\n"
            "# HELP parley_broker_messages_total Messages accepted: numbered, in the journal.\n"
            "# TYPE parley_broker_messages_total counter\nparley_broker_messages_total 3\n"
            "# HELP parley_broker_sessions Connected clients, the backend included.\n"
            "# TYPE parley_broker_sessions gauge\nparley_broker_sessions 2\n");
  EXPECT_EQ(format_broker_stats(json::parse(R"({"counters":[]})")), "");
}

TEST(BrokerStats, refusals_queues_and_the_version_have_labels) {
  const auto text = format_broker_stats(json::parse(
      R"({"counters":{"refused_muted":3,"refused_too_large":0},"queues":{"events":{"length":5,"capacity":10000}},
          "gauges":{"bans_by_admins":2,"bans_user":1},"plugin":{"version":"1.2.3","now_ms":1}})"));
  EXPECT_THAT(text, HasSubstr("\nparley_broker_bans{by=\"admins\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("\nparley_broker_bans_user 1\n"));
  EXPECT_THAT(text, HasSubstr("\nparley_broker_refusals_total{code=\"muted\"} 3\n"
                              "parley_broker_refusals_total{code=\"too_large\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\nparley_broker_queue_length{queue=\"events\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("\nparley_broker_queue_capacity{queue=\"events\"} 10000\n"));
  EXPECT_THAT(text, HasSubstr("\nparley_broker_build_info{version=\"1.2.3\"} 1\n"));
}

TEST(BrokerStats, the_clocks_are_compared_half_way_through_the_question) {
  const auto asked = from_ms(1'000'000), answered = from_ms(1'000'400);
  EXPECT_DOUBLE_EQ(clock_skew_s(json{{"plugin", {{"now_ms", 1'003'200}}}}, asked, answered), 3);
  EXPECT_DOUBLE_EQ(clock_skew_s(json::object(), asked, answered), 0);
}

TEST(BrokerStats, are_asked_for_only_when_old) {
  FakeBroker broker;
  FakeClock clock;
  BrokerStats stats(broker, clock, 2s, 1ms);
  broker.answer = json{{"gauges", {{"n", 1}}}};
  EXPECT_NE(stats.text().find("parley_broker_n 1"), std::string::npos);
  broker.answer = json{{"gauges", {{"n", 2}}}};
  EXPECT_NE(stats.text().find("parley_broker_n 1"), std::string::npos);
  clock.advance(2s);
  EXPECT_NE(stats.text().find("parley_broker_n 2"), std::string::npos);
  EXPECT_EQ(broker.asked, 2);
}

TEST(BrokerStats, a_silent_or_failing_broker_leaves_what_was_known_for_a_minute) {
  FakeBroker broker;
  FakeClock clock;
  auto stats = std::make_unique<BrokerStats>(broker, clock, 2s, 1ms);
  broker.answer = json{{"gauges", {{"n", 1}}}};
  EXPECT_THAT(stats->text(), HasSubstr("\nparley_broker_stats_age_seconds 0\n"));
  clock.advance(2s);
  broker.answer = fail(Errc::unavailable, "away");
  EXPECT_THAT(stats->text(), HasSubstr("parley_broker_n 1"));
  clock.advance(2s);
  broker.answer.reset();
  EXPECT_THAT(stats->text(), HasSubstr("\nparley_broker_stats_age_seconds 4\n"));
  clock.advance(2s);
  EXPECT_THAT(stats->text(), HasSubstr("parley_broker_n 1"));
  EXPECT_EQ(broker.asked, 3);  // not again while the answer is awaited
  clock.advance(54s);
  EXPECT_EQ(stats->text(), "");
  stats.reset();
  broker.waiting(json::object());  // comes late, harms nobody
}

}  // namespace
}  // namespace parley::backend
