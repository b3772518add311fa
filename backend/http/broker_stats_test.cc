#include "backend/http/broker_stats.h"

#include <gtest/gtest.h>

namespace parley::backend {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

class FakeBroker final : public BrokerControl {
 public:
  bool attached() const override { return true; }
  void directory_changed(std::uint64_t, std::function<void(Result<>)>) override {}
  void append(std::vector<wire::AppendEntry>,
              std::function<void(Result<std::vector<std::uint64_t>>)>) override {}
  void kick(std::string, std::string, std::function<void(Result<std::uint32_t>)>) override {}
  void sessions(wire::Sessions, std::function<void(Result<json>)>) override {}
  void forget_device(std::string, std::string, std::function<void(Result<std::uint32_t>)>) override {}
  void bans(BanCommand, std::function<void(Result<nlohmann::json>)>) override {}
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
  EXPECT_EQ(format_broker_stats(
                json::parse(R"({"counters":{"messages":3,"a-b":1,"odd":"x"},"gauges":{"sessions":2}})")),
            "# TYPE parley_broker_a_b_total counter\nparley_broker_a_b_total 1\n"
            "# TYPE parley_broker_messages_total counter\nparley_broker_messages_total 3\n"
            "# TYPE parley_broker_sessions gauge\nparley_broker_sessions 2\n");
  EXPECT_EQ(format_broker_stats(json::parse(R"({"counters":[]})")), "");
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

TEST(BrokerStats, a_silent_or_failing_broker_leaves_what_was_known) {
  FakeBroker broker;
  FakeClock clock;
  auto stats = std::make_unique<BrokerStats>(broker, clock, 2s, 1ms);
  broker.answer = json{{"gauges", {{"n", 1}}}};
  const auto known = stats->text();
  clock.advance(2s);
  broker.answer = fail(Errc::unavailable, "away");
  EXPECT_EQ(stats->text(), known);
  clock.advance(2s);
  broker.answer.reset();
  EXPECT_EQ(stats->text(), known);
  clock.advance(2s);
  EXPECT_EQ(stats->text(), known);
  EXPECT_EQ(broker.asked, 3);  // not again while the answer is awaited
  stats.reset();
  broker.waiting(json::object());  // comes late, harms nobody
}

}  // namespace
}  // namespace parley::backend
