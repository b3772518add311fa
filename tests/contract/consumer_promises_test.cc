// What FeedConsumer promises of messages, whatever the store under it does: nothing acknowledged is missing from the
// store, nothing is in it twice, and as soon as the store works again everything is in it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "backend/feed/feed_consumer.h"
#include "tests/fakes/faulty_stores.h"
#include "tests/fakes/memory_stores.h"
#include "tests/fakes/records.h"
#include "wire/feed.h"

namespace parley::backend {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kRoom = 7;

// The plugin's side of the feed: a journal of batches, sent again from where nothing is acknowledged.
class Journal final : public FeedAcks, public RoomEvents {
 public:
  explicit Journal(MessageStore& store) : store_(store) {}

  void add_batch(std::uint64_t first, std::uint64_t last) {
    std::string bytes;
    auto records = Records().add_range(kRoom, first, last);
    for (const auto& record : records.span()) {
      const auto at = bytes.size();
      bytes.resize(at + wire::record_size(record));
      wire::write_record(record, bytes.data() + at);
    }
    wire::FeedBatch batch{1, end_, end_ + bytes.size(), static_cast<std::uint32_t>(last - first + 1), bytes};
    wire::append_feed_batch(batches_[end_], batch);
    end_ += bytes.size();
    lasts_[end_] = last;
  }
  // All batches from the acknowledged offset on.
  void send_to(FeedConsumer& consumer) {
    for (auto at = batches_.lower_bound(acknowledged()); at != batches_.end(); ++at)
      consumer.offer(at->second);
  }
  std::uint64_t end() const { return end_; }
  std::uint64_t acknowledged() const {
    std::lock_guard lock(mutex_);
    return acknowledged_;
  }
  bool wait_for(std::uint64_t offset, std::chrono::milliseconds at_most) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, at_most, [&] { return acknowledged_ >= offset; });
  }
  std::uint32_t given_up() const { return given_up_; }

  // What is acknowledged must be in the store at that very moment.
  void acknowledge_feed(std::uint64_t, std::uint64_t offset) override {
    std::lock_guard lock(mutex_);
    EXPECT_GE(offset, acknowledged_);
    EXPECT_GE(store_.position()->offset, offset);
    auto last = lasts_.upper_bound(offset);
    EXPECT_GE(*store_.last_seq(kRoom), last == lasts_.begin() ? 0 : std::prev(last)->second);
    acknowledged_ = std::max(acknowledged_, offset);
    changed_.notify_all();
  }
  void give_up(std::uint64_t, const std::string&) override { ++given_up_; }
  void room_changed(std::uint64_t) override {}
  void room_deleted(std::uint64_t, const std::string&) override {}
  void messages_stored(std::uint64_t, std::uint64_t) override {}

 private:
  MessageStore& store_;  // without faults
  std::map<std::uint64_t, std::string> batches_;
  std::map<std::uint64_t, std::uint64_t> lasts_;  // offset → the last seq before it
  std::uint64_t end_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t acknowledged_ = 0;
  std::atomic<std::uint32_t> given_up_ = 0;
};

class ConsumerPromises : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(stores.messages->begin(1, "j", std::nullopt));
    for (std::uint64_t batch = 0; batch < kBatches; ++batch) journal.add_batch(batch * 3 + 1, batch * 3 + 3);
    consumer.begin(1, 0);
  }
  // Everything is there once, in order.
  void expect_all_stored() {
    EXPECT_EQ(journal.acknowledged(), journal.end());
    EXPECT_EQ(stores.messages->page({.room_id = kRoom, .after = 0, .limit = 1000})->envelopes,
              envelopes_of(kRoom, 1, kBatches * 3));
    EXPECT_EQ(journal.given_up(), 0u);
  }
  void send_until_stored() {
    for (int round = 0; round < 2'000 && journal.acknowledged() < journal.end(); ++round) {
      journal.send_to(consumer);
      journal.wait_for(journal.end(), 30ms);
    }
    expect_all_stored();
  }

  static constexpr std::uint64_t kBatches = 60;
  SystemClock clock;
  Stores stores = open_memory_stores(std::make_shared<MemoryDatabase>(), 100, clock);
  FaultPlan plan;
  FaultyMessageStore faulty{*stores.messages, plan};
  Journal journal{*stores.messages};
  Metrics metrics;
  FeedConsumer consumer{faulty,
                        journal,
                        journal,
                        metrics,
                        clock,
                        [](LogLevel, std::string_view) {},
                        {.merge_batches = 4, .retry = {.least = 1ms, .first = 1ms, .max = 2ms}}};
};

TEST_F(ConsumerPromises, a_store_that_refuses_is_tried_again) {
  for (std::uint64_t n : {1, 2, 5}) plan.plan(n, {Fault::What::refused, Errc::unavailable});
  plan.plan(3, {Fault::What::refused, Errc::internal});
  plan.plan(7, {Fault::What::refused, Errc::timeout});
  send_until_stored();
}

TEST_F(ConsumerPromises, an_answer_that_was_lost_makes_nothing_double) {
  for (std::uint64_t n : {1, 3, 4}) plan.plan(n, {Fault::What::unanswered});
  send_until_stored();
}

TEST_F(ConsumerPromises, a_request_that_was_lost_makes_no_gap) {
  for (std::uint64_t n : {1, 2, 4}) plan.plan(n, {Fault::What::lost});
  send_until_stored();
}

TEST_F(ConsumerPromises, nothing_is_acknowledged_while_the_store_hangs) {
  plan.plan(1, {Fault::What::held});
  journal.send_to(consumer);
  ASSERT_TRUE(plan.wait_until_held());
  EXPECT_EQ(journal.acknowledged(), 0u);
  plan.release();
  send_until_stored();
}

TEST_F(ConsumerPromises, whatever_goes_wrong_at_random_all_is_stored_once) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  plan.plan([&random](std::uint64_t number) -> std::optional<Fault> {
    if (number > 200 || random() % 2 == 0) return std::nullopt;
    const Fault faults[] = {{Fault::What::refused, Errc::unavailable},
                            {Fault::What::refused, Errc::internal},
                            {Fault::What::lost},
                            {Fault::What::unanswered}};
    return faults[random() % std::size(faults)];
  });
  send_until_stored();
}

}  // namespace
}  // namespace parley::backend
