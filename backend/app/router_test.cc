#include "backend/app/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "wire/request.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Sent final : public Publisher {
 public:
  Result<> publish(Publication message) override {
    if (away) return fail(Errc::unavailable, "away");
    messages.push_back(std::move(message));
    return {};
  }
  bool away = false;
  std::vector<Publication> messages;
};

class FakeDispatcher final : public Dispatcher {
 public:
  void submit(IncomingRequest request) override { requests.push_back(std::move(request)); }
  void user_seen(const std::string& user) override { seen.push_back(user); }
  void stop(std::chrono::milliseconds) override {}
  std::vector<IncomingRequest> requests;
  std::vector<std::string> seen;
};

class RouterTest : public testing::Test {
 protected:
  Sent sent;
  FakeDispatcher dispatcher;
  Metrics metrics;
  FakeClock clock;
  std::vector<std::string> heard;
  Router router{
      {.connected = [this] { heard.push_back("connected"); },
       .lost = [this](const std::string& reason) { heard.push_back("lost " + reason); },
       .feed = [this](const std::string& payload) { heard.push_back("feed " + payload); },
       .answer = [this](const std::string& payload) { heard.push_back("answer " + payload); },
       .events_lost = [this] { heard.push_back("events lost"); },
       .trace = [this](std::string_view payload) { heard.push_back("trace " + std::string(payload)); },
       .draining = [this](bool on) { heard.push_back(on ? "draining" : "drain ended"); },
       .receipt =
           [this](const std::string& room, const std::string& user, const Marks& marks) {
             heard.push_back("receipt " + room + " " + user + " " + std::to_string(marks.received) + " " +
                             std::to_string(marks.read));
           },
       .session = [this](const wire::Event& e) { heard.push_back(e.event + " " + e.device); },
       .device_status =
           [this](const std::string& user, const std::string& device, std::string_view payload) {
             heard.push_back(user + " " + device + " " + std::string(payload));
           },
       .retained =
           [this](const Incoming& message) {
             heard.push_back("retained " + message.topic);
             return message.payload == "wanted";
           }},
      dispatcher,
      sent,
      metrics,
      clock,
      [](LogLevel, std::string_view) {}};
};

TEST_F(RouterTest, each_topic_goes_its_way) {
  router.on_connected();
  router.on_message({.topic = "$parley/feed", .payload = "f"});
  router.on_message({.topic = "$parley/control", .payload = "c"});
  router.on_message({.topic = "$parley/events", .payload = R"({"event":"reset"})"});
  router.on_message(
      {.topic = "$parley/events", .payload = "{\"event\":\"draining\"}\n{\"event\":\"drain.ended\"}"});
  router.on_message({.topic = "$parley/trace", .payload = "t"});
  router.on_message({.topic = "rooms/lab/receipts/bob", .payload = R"({"read":7})"});
  router.on_lost("why");
  EXPECT_THAT(heard, ElementsAre("connected", "feed f", "answer c", "events lost", "draining", "drain ended",
                                 "trace t", "receipt lab bob 0 7", "lost why"));
}

TEST_F(RouterTest, what_tells_of_presence_goes_to_those_who_keep_it) {
  router.on_message(
      {.topic = "$parley/events",
       .payload = R"({"event":"disconnected","session":7,"user":"al","device":"al-phone","at":9})"});
  router.on_message({.topic = "users/al/devices/al-phone/status", .payload = "away"});
  router.on_message({.topic = "rooms/lab/presence/al", .payload = "wanted", .retained = true});
  router.on_message({.topic = "rooms/lab/presence/al", .payload = "live"});
  EXPECT_THAT(heard, ElementsAre("disconnected al-phone", "al al-phone away",
                                 "retained rooms/lab/presence/al", "retained rooms/lab/presence/al"));
  EXPECT_EQ(metrics.counter("parley_mqtt_strays_total", "").value(), 1);
}

TEST_F(RouterTest, a_new_user_is_told_to_the_dispatcher) {
  router.on_message(
      {.topic = "$parley/events",
       .payload = "{\"event\":\"user.new\",\"user\":\"zoe\"}\n{\"event\":\"user.new\",\"user\":\"yan\"}\n"});
  router.on_message({.topic = "$parley/events", .payload = "nonsense"});
  EXPECT_THAT(dispatcher.seen, ElementsAre("zoe", "yan"));
}

TEST_F(RouterTest, requests_are_submitted_in_the_name_of_the_topics_user) {
  router.on_message({.topic = "users/alice/requests/room.get", .payload = R"({"id":"1","user":"bob"})"});
  ASSERT_EQ(dispatcher.requests.size(), 1u);
  EXPECT_EQ(dispatcher.requests[0].user, "alice");
  EXPECT_EQ(dispatcher.requests[0].method, "room.get");
  EXPECT_EQ(dispatcher.requests[0].payload, R"({"id":"1","user":"bob"})");
}

TEST_F(RouterTest, retained_and_strange_messages_are_ignored) {
  router.on_message({.topic = "users/alice/requests/room.get", .payload = "{}", .retained = true});
  router.on_message({.topic = "rooms/lab/messages", .payload = "{}"});
  router.on_message({.topic = "other", .payload = "{}"});
  router.on_message({.topic = "rooms/lab/receipts/bob", .payload = R"({"seen":7})"});
  router.on_message({.topic = "rooms/lab/receipts/bob", .payload = R"({"read":7})", .retained = true});
  EXPECT_THAT(dispatcher.requests, IsEmpty());
  EXPECT_THAT(heard, IsEmpty());
  EXPECT_EQ(metrics.counter("parley_mqtt_strays_total", "").value(), 5);
}

struct ReplyTo {
  const char* response_topic;
  const char* expected;
};

TEST_F(RouterTest, replies_go_to_the_users_own_topics_only) {
  const ReplyTo table[] = {{"", "users/alice/replies"},
                           {"users/alice/replies", "users/alice/replies"},
                           {"users/alice/replies/phone/1", "users/alice/replies/phone/1"},
                           {"users/bob/replies", "users/alice/replies"},
                           {"users/alice/inbox", "users/alice/replies"},
                           {"rooms/lab/messages", "users/alice/replies"},
                           {"$CONTROL/parley/v1", "users/alice/replies"},
                           {"elsewhere", "users/alice/replies"}};
  for (const auto& row : table) {
    router.on_message({.topic = "users/alice/requests/room.get",
                       .payload = "{}",
                       .response_topic = row.response_topic,
                       .correlation_data = "c\1"});
    dispatcher.requests.back().respond(wire::format_reply("", nlohmann::json::object()));
    EXPECT_EQ(sent.messages.back().topic, row.expected) << row.response_topic;
    EXPECT_EQ(sent.messages.back().correlation_data, "c\1");
    EXPECT_FALSE(sent.messages.back().retain);
  }
}

TEST_F(RouterTest, requests_are_counted_by_method_and_code_and_unknown_methods_together) {
  const std::pair<const char*, std::string> table[] = {
      {"room.get", wire::format_reply("1", {{"room", "lab"}})},
      {"room.get", wire::format_failure("1", {wire::Code::not_found, "no"})},
      {"room.bet", wire::format_failure("1", {wire::Code::unknown_method, "no"})},
      {"history", wire::format_reply("1", {{"page", std::string(10'000, 'x')}})}};
  for (const auto& [method, reply] : table) {
    router.on_message({.topic = std::string("users/alice/requests/") + method, .payload = "{}"});
    dispatcher.requests.back().respond(reply);
  }
  auto count = [&](const char* method, const char* code) {
    return metrics
        .counter("parley_requests_total", "Requests answered.", {{"method", method}, {"code", code}})
        .value();
  };
  EXPECT_EQ(count("room.get", "ok"), 1);
  EXPECT_EQ(count("room.get", "not_found"), 1);
  EXPECT_EQ(count("?", "unknown_method"), 1);
  EXPECT_EQ(count("history", "ok"), 1);
}

TEST_F(RouterTest, a_reply_that_can_not_be_sent_is_counted) {
  sent.away = true;
  router.on_message({.topic = "users/alice/requests/room.get", .payload = "{}"});
  dispatcher.requests.back().respond("{}");
  EXPECT_EQ(metrics.counter("parley_replies_lost_total", "").value(), 1);
}

}  // namespace
}  // namespace parley::backend
