#include "backend/mqtt/retained_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::Pair;

class NotingLink final : public Link {
 public:
  Result<> publish(Publication) override { return {}; }
  bool connected() const override { return true; }
  void subscribe(const std::string& filter, int, std::function<void(Result<>)> done) override {
    said.push_back("+" + filter);
    done(answer);
  }
  void unsubscribe(const std::string& filter) override { said.push_back("-" + filter); }
  void drop(const std::string&) override {}
  std::vector<std::string> said;
  Result<> answer{};
};

class RetainedReaderTest : public testing::Test {
 protected:
  void read(const std::string& filter) {
    reader.read(filter, [this](Result<RetainedMessages> found) { got = std::move(found); });
  }
  void pass(const Result<>& how = {}) {
    ASSERT_FALSE(fences.empty());
    auto fence = std::move(fences.front());
    fences.erase(fences.begin());
    fence(how);
  }
  bool offer(const std::string& topic, const std::string& payload) {
    return reader.offer({.topic = topic, .payload = payload, .retained = true});
  }

  NotingLink link;
  std::vector<std::function<void(Result<>)>> fences;
  RetainedReader reader{link, [this](auto passed) { fences.push_back(std::move(passed)); }, 3};
  std::optional<Result<RetainedMessages>> got;
};

TEST_F(RetainedReaderTest, what_came_before_the_fence_is_found) {
  read("rooms/lab/presence/+");
  EXPECT_TRUE(offer("rooms/lab/presence/al", "1"));
  EXPECT_TRUE(offer("rooms/lab/presence/bo", "2"));
  EXPECT_FALSE(offer("rooms/den/presence/al", "3"));
  EXPECT_FALSE(got);
  pass();
  ASSERT_TRUE(got && *got);
  EXPECT_THAT((*got)->payloads,
              ElementsAre(Pair("rooms/lab/presence/al", "1"), Pair("rooms/lab/presence/bo", "2")));
  EXPECT_TRUE((*got)->complete);
  EXPECT_THAT(link.said, ElementsAre("+rooms/lab/presence/+", "-rooms/lab/presence/+"));
  EXPECT_FALSE(offer("rooms/lab/presence/al", "4"));
}

TEST_F(RetainedReaderTest, what_was_published_meanwhile_counts) {
  read("a/+");
  offer("a/1", "old");
  offer("a/2", "gone");
  offer("a/1", "new");
  offer("a/2", "");
  pass();
  EXPECT_THAT((*got)->payloads, ElementsAre(Pair("a/1", "new")));
}

TEST_F(RetainedReaderTest, a_refused_subscription_or_a_fence_that_failed_is_told_once) {
  link.answer = fail(Errc::permission_denied, "no");
  read("a/+");
  ASSERT_TRUE(got);
  EXPECT_EQ(got->error().code, Errc::permission_denied);
  got.reset();
  pass();
  EXPECT_FALSE(got);
  link.answer = {};
  read("a/+");
  pass(fail(Errc::timeout, "late"));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->error().code, Errc::timeout);
}

TEST_F(RetainedReaderTest, too_much_is_cut_and_said_to_be) {
  read("a/+");
  for (const char* topic : {"a/1", "a/2", "a/3", "a/4"}) offer(topic, "x");
  offer("a/3", "newer");
  pass();
  EXPECT_EQ((*got)->payloads.size(), 3u);
  EXPECT_EQ((*got)->payloads["a/3"], "newer");
  EXPECT_FALSE((*got)->complete);
}

TEST_F(RetainedReaderTest, one_filter_is_read_once_at_a_time) {
  read("a/+");
  read("a/+");
  ASSERT_TRUE(got);
  EXPECT_EQ(got->error().code, Errc::unavailable);
  got.reset();
  pass();
  EXPECT_TRUE(got && *got);
}

}  // namespace
}  // namespace parley::backend
