#include "backend/mqtt/mqtt_link.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <future>
#include <mutex>
#include <vector>

#include "backend/mqtt/test_broker.h"

namespace parley::backend {
namespace {

using namespace std::chrono_literals;

class Recorder final : public LinkListener {
 public:
  void on_connected() override { ++connected; }
  void on_lost(const std::string&) override { ++lost; }
  void on_message(Incoming message) override {
    std::lock_guard lock(mutex_);
    messages_.push_back(std::move(message));
  }
  std::vector<Incoming> messages() {
    std::lock_guard lock(mutex_);
    return messages_;
  }
  std::atomic<int> connected{0}, lost{0};

 private:
  std::mutex mutex_;
  std::vector<Incoming> messages_;
};

struct Side {
  explicit Side(int port, std::uint32_t outgoing_max = 1000)
      : link({.broker = {.port = static_cast<std::uint16_t>(port)},
              .client_id = "link-" + std::to_string(draw_port()),
              .keepalive = 60s,
              .retry = {.first = 20ms, .max = 200ms},
              .outgoing_max = outgoing_max},
             metrics, [](LogLevel, std::string_view) {}) {
    link.start(told);
  }
  Result<> subscribe(const std::string& filter, int qos) {
    std::promise<Result<>> done;
    link.subscribe(filter, qos, [&](Result<> result) { done.set_value(std::move(result)); });
    auto future = done.get_future();
    return future.wait_for(60s) == std::future_status::ready ? future.get()
                                                             : fail(Errc::timeout, "never told");
  }
  bool wait_connected(int times = 1) {
    return eventually([&] { return told.connected >= times; });
  }

  Metrics metrics;
  Recorder told;  // outlives the link
  MqttLink link;
};

TEST(MqttLink, carries_messages_with_their_properties) {
  TestBroker broker;
  Side side(broker.port());
  ASSERT_TRUE(side.wait_connected());
  ASSERT_TRUE(side.subscribe("a/+", 1));
  const std::string bytes("\0\x01\xff", 3);
  ASSERT_TRUE(side.link.publish({.topic = "a/b", .payload = bytes, .qos = 1, .correlation_data = bytes}));
  ASSERT_TRUE(eventually([&] { return side.told.messages().size() == 1; }));
  const auto message = side.told.messages().front();
  EXPECT_EQ(message.topic, "a/b");
  EXPECT_EQ(message.payload, bytes);
  EXPECT_EQ(message.correlation_data, bytes);
  EXPECT_EQ(message.response_topic, "");
  EXPECT_FALSE(message.retained);
  EXPECT_TRUE(eventually([&] { return side.link.outgoing() == 0; }));
}

TEST(MqttLink, retained_messages_are_kept_and_cleared) {
  TestBroker broker;
  Side writer(broker.port()), reader(broker.port());
  ASSERT_TRUE(writer.wait_connected() && reader.wait_connected());
  ASSERT_TRUE(writer.link.publish({.topic = "r/1", .payload = "x", .retain = true}));
  ASSERT_TRUE(writer.link.publish({.topic = "r/2", .payload = "y", .retain = true}));
  ASSERT_TRUE(writer.link.publish({.topic = "r/1", .payload = "", .retain = true}));
  ASSERT_TRUE(eventually([&] { return writer.link.outgoing() == 0; }));
  ASSERT_TRUE(reader.subscribe("r/#", 1));
  ASSERT_TRUE(eventually([&] { return !reader.told.messages().empty(); }));
  EXPECT_EQ(reader.told.messages().front().topic, "r/2");
  EXPECT_TRUE(reader.told.messages().front().retained);
}

TEST(MqttLink, without_a_broker_nothing_is_taken_and_it_connects_once_there_is_one) {
  const int port = draw_port();
  Side side(port);
  EXPECT_EQ(side.link.publish({.topic = "a", .payload = "x"}).error().code, Errc::unavailable);
  EXPECT_EQ(side.subscribe("a", 1).error().code, Errc::unavailable);
  TestBroker broker(port);
  EXPECT_TRUE(side.wait_connected());
  EXPECT_TRUE(side.link.publish({.topic = "a", .payload = "x"}));
}

TEST(MqttLink, comes_back_after_a_killed_broker_without_its_subscriptions) {
  TestBroker broker;
  Side side(broker.port());
  ASSERT_TRUE(side.wait_connected());
  ASSERT_TRUE(side.subscribe("a", 1));
  broker.kill();
  ASSERT_TRUE(eventually([&] { return side.told.lost == 1; }));
  EXPECT_FALSE(side.link.connected());
  EXPECT_TRUE(eventually([&] { return side.link.reading().opened >= 1; }));
  EXPECT_EQ(side.link.reading().closed, 1u);
  broker.start();
  ASSERT_TRUE(side.wait_connected(2));
  EXPECT_EQ(side.link.reading().closed, 2u);
  EXPECT_EQ(side.link.reading().state, BreakerState::closed);
  ASSERT_TRUE(side.link.publish({.topic = "a", .payload = "unheard"}));
  ASSERT_TRUE(side.subscribe("b", 1));
  ASSERT_TRUE(side.link.publish({.topic = "b", .payload = "heard"}));
  ASSERT_TRUE(eventually([&] { return side.told.messages().size() == 1; }));
  EXPECT_EQ(side.told.messages().front().payload, "heard");
}

TEST(MqttLink, what_is_under_way_is_bounded_and_the_rest_refused) {
  TestBroker broker;
  Side side(broker.port(), 100);
  ASSERT_TRUE(side.wait_connected());
  broker.pause();
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(side.link.publish({.topic = "a", .payload = std::to_string(i)})) << i;
  EXPECT_EQ(side.link.publish({.topic = "a", .payload = "one too many"}).error().code, Errc::unavailable);
  EXPECT_EQ(side.link.outgoing(), 100u);
  broker.resume();
  EXPECT_TRUE(eventually([&] { return side.link.outgoing() == 0; }));
  EXPECT_TRUE(side.link.publish({.topic = "a", .payload = "x"}));
}

TEST(MqttLink, more_than_a_hundred_messages_may_wait) {
  TestBroker broker;
  Side side(broker.port(), 5000);
  ASSERT_TRUE(side.wait_connected());
  for (int i = 0; i < 5000; ++i)
    ASSERT_TRUE(side.link.publish({.topic = "a", .payload = std::to_string(i)})) << i;
  EXPECT_TRUE(eventually([&] { return side.link.outgoing() == 0; }));
}

TEST(MqttLink, a_connection_that_ends_with_messages_under_way_leaves_room_for_new_ones) {
  TestBroker broker;
  Side side(broker.port(), 50);
  ASSERT_TRUE(side.wait_connected());
  broker.pause();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(side.link.publish({.topic = "a", .payload = "x"}));
  broker.kill();
  broker.start();
  ASSERT_TRUE(side.wait_connected(2));
  EXPECT_EQ(side.link.reading().closed, 2u);
  EXPECT_EQ(side.link.reading().state, BreakerState::closed);
  EXPECT_EQ(side.link.outgoing(), 0u);
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(side.link.publish({.topic = "a", .payload = "x"})) << i;
  EXPECT_TRUE(eventually([&] { return side.link.outgoing() == 0; }));
}

// Mosquitto's own plugin that can refuse a SUBSCRIBE; its acl_file can't.
std::string refuse_subscriptions() {
  const auto file = testing::TempDir() + "/link_acl.json";
  std::ofstream(file) << R"({"defaultACLAccess": {"publishClientSend": true, "subscribe": false}})";
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib"))
    if (const auto plugin = entry.path() / "mosquitto_dynamic_security.so"; std::filesystem::exists(plugin))
      return "allow_anonymous true\nplugin " + plugin.string() + "\nplugin_opt_config_file " + file + "\n";
  return "";
}

TEST(MqttLink, a_refused_subscription_is_told_and_the_connection_stays) {
  TestBroker broker(draw_port(), refuse_subscriptions());
  Side side(broker.port());
  ASSERT_TRUE(side.wait_connected());
  EXPECT_EQ(side.subscribe("a", 1).error().code, Errc::permission_denied);
  EXPECT_TRUE(side.link.publish({.topic = "a", .payload = "x"}));
  EXPECT_TRUE(eventually([&] { return side.link.outgoing() == 0; }));
  EXPECT_EQ(side.told.lost, 0);
}

TEST(MqttLink, dropped_it_connects_anew) {
  TestBroker broker;
  Side side(broker.port());
  ASSERT_TRUE(side.wait_connected());
  side.link.drop("for a test");
  ASSERT_TRUE(side.wait_connected(2));
  EXPECT_EQ(side.link.reading().closed, 2u);
  EXPECT_EQ(side.link.reading().state, BreakerState::closed);
  EXPECT_EQ(side.told.lost, 1);
}

TEST(MqttLink, stopping_first_sends_what_was_published) {
  TestBroker broker;
  Side writer(broker.port()), reader(broker.port());
  ASSERT_TRUE(writer.wait_connected() && reader.wait_connected());
  ASSERT_TRUE(reader.subscribe("a", 1));
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(writer.link.publish({.topic = "a", .payload = "x"}));
  writer.link.stop(60s);
  EXPECT_TRUE(eventually([&] { return reader.told.messages().size() == 500; }));
  EXPECT_EQ(writer.link.publish({.topic = "a", .payload = "x"}).error().code, Errc::unavailable);
}

}  // namespace
}  // namespace parley::backend
