#include "backend/mqtt/outbox.h"

#include <gtest/gtest.h>

#include <future>

namespace parley::backend {
namespace {

using namespace std::chrono_literals;

Publication named(const std::string& topic) {
  return {.topic = topic};
}

TEST(Outbox, takes_nothing_while_it_is_not_open) {
  Outbox outbox(2);
  EXPECT_FALSE(outbox.push(named("a")));
  outbox.begin();
  outbox.open(1);
  EXPECT_TRUE(outbox.push(named("a")));
  outbox.close();
  EXPECT_FALSE(outbox.push(named("a")));
  EXPECT_EQ(outbox.size(), 0u);
}

TEST(Outbox, is_bounded_over_waiting_and_unacknowledged_together) {
  Outbox outbox(2);
  outbox.open(1);
  EXPECT_TRUE(outbox.push(named("a")));
  const auto sent = outbox.next();
  EXPECT_TRUE(outbox.push(named("b")));
  EXPECT_FALSE(outbox.push(named("c")));
  outbox.left(sent->connection);
  EXPECT_TRUE(outbox.push(named("c")));
}

TEST(Outbox, sends_in_order_and_no_more_than_the_window) {
  Outbox outbox(10);
  outbox.open(2);
  for (const char* topic : {"a", "b", "c"}) ASSERT_TRUE(outbox.push(named(topic)));
  EXPECT_EQ(outbox.next()->message.topic, "a");
  const auto second = outbox.next();
  EXPECT_EQ(second->message.topic, "b");
  auto third = std::async(std::launch::async, [&] { return outbox.next(); });
  EXPECT_EQ(third.wait_for(5ms), std::future_status::timeout);
  outbox.left(second->connection);
  EXPECT_EQ(third.get()->message.topic, "c");
}

TEST(Outbox, an_ended_connection_gives_nothing_and_tells_the_first_reason) {
  Outbox outbox(10);
  outbox.begin();
  outbox.open(2);
  ASSERT_TRUE(outbox.push(named("a")));
  outbox.end("lost");
  outbox.end("stopping");
  EXPECT_FALSE(outbox.next());
  EXPECT_EQ(outbox.close(), "lost");
}

TEST(Outbox, what_an_earlier_connection_sent_counts_no_more) {
  Outbox outbox(10);
  outbox.open(1);
  outbox.push(named("a"));
  const auto earlier = outbox.next();
  outbox.close();
  outbox.open(1);
  outbox.push(named("b"));
  outbox.next();
  outbox.left(earlier->connection);
  EXPECT_EQ(outbox.size(), 1u);
}

TEST(Outbox, waiting_ends_when_empty_or_at_the_deadline) {
  Outbox outbox(10);
  outbox.open(1);
  EXPECT_TRUE(outbox.wait_empty(0ms));
  outbox.push(named("a"));
  const auto sent = outbox.next();
  EXPECT_FALSE(outbox.wait_empty(1ms));
  outbox.left(sent->connection);
  EXPECT_TRUE(outbox.wait_empty(0ms));
}

}  // namespace
}  // namespace parley::backend
