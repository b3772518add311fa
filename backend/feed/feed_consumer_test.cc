#include "backend/feed/feed_consumer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "wire/feed.h"

namespace parley::backend {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

// Everything a test watches, behind one lock, with a way to wait for it.
class Watched {
 public:
  template <class Change>
  auto change(Change change) {
    std::lock_guard lock(mutex_);
    changed_.notify_all();
    return change();
  }
  template <class Condition>
  bool wait(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 60s, condition);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

// Keeps seqs in memory; fails when told to; can be made to wait.
class FakeStore final : public MessageStore {
 public:
  explicit FakeStore(Watched& watched) : watched_(watched) {}
  Result<FeedPosition> position() override { return FeedPosition{"j", offset, generation}; }
  Result<> begin(std::uint64_t, const std::string&, std::optional<std::uint64_t>) override { return {}; }
  Result<StoreOutcome> store(std::uint64_t gen, std::uint64_t from, std::uint64_t to,
                             std::span<const wire::Record> records) override {
    watched_.change([&] { ++calls; });
    if (!watched_.wait([&] { return !corked; })) ADD_FAILURE() << "corked for ever";
    return watched_.change([&]() -> Result<StoreOutcome> {
      if (fail_times > 0) {
        --fail_times;
        return fail(fail_with, "as told");
      }
      if (gen < generation) return fail(Errc::permission_denied, "newer");
      if (from > offset) return fail(Errc::invalid_argument, "hole");
      StoreOutcome outcome;
      for (const auto& r : records)
        ++(seqs.insert({r.room_id, r.seq}).second ? outcome.stored : outcome.repeated);
      offset = to;
      return outcome;
    });
  }
  Result<Page> page(const PageQuery&) override { return Page{}; }
  Result<Page> thread(const ThreadQuery&) override { return Page{}; }
  Result<std::map<Place, wire::Notes>> notes(std::span<const Place>) override {
    return std::map<Place, wire::Notes>{};
  }
  Result<std::uint64_t> last_seq(std::uint64_t) override { return 0; }
  Result<> block(const ErasedName&) override { return {}; }
  Result<EraseStep> erase_some(const ErasedUser&, const ErasePlace&, const NoteRooms&) override {
    return EraseStep{.finished = true};
  }
  Result<std::uint64_t> message_count() override { return 0; }

  std::set<std::pair<std::uint64_t, std::uint64_t>> seqs;
  std::uint64_t offset = 0, generation = 1;
  int calls = 0, fail_times = 0;
  Errc fail_with = Errc::unavailable;
  bool corked = false;

 private:
  Watched& watched_;
};

class Told final : public FeedAcks, public RoomEvents {
 public:
  explicit Told(Watched& watched) : watched_(watched) {}
  void acknowledge_feed(std::uint64_t generation, std::uint64_t offset) override {
    watched_.change([&] { acks.emplace_back(generation, offset); });
  }
  void give_up(std::uint64_t generation, const std::string&) override {
    watched_.change([&] { given_up.push_back(generation); });
  }
  void room_changed(std::uint64_t) override {}
  void room_deleted(std::uint64_t, const std::string&) override {}
  void messages_stored(std::uint64_t room, std::uint64_t seq) override {
    watched_.change([&] { rooms.emplace_back(room, seq); });
  }

  std::vector<std::pair<std::uint64_t, std::uint64_t>> acks, rooms;
  std::vector<std::uint64_t> given_up;

 private:
  Watched& watched_;
};

std::string records(std::uint64_t room, std::uint64_t first, std::uint64_t last) {
  std::string out;
  for (auto seq = first; seq <= last; ++seq) {
    wire::Record record;
    record.room_id = room;
    record.seq = seq;
    record.room = "lab", record.from = "alice", record.type = "text", record.envelope = R"({"seq":1})";
    const auto at = out.size();
    out.resize(at + wire::record_size(record));
    wire::write_record(record, out.data() + at);
  }
  return out;
}

std::string batch(std::uint64_t generation, std::uint64_t from, const std::string& bytes,
                  std::uint32_t count) {
  std::string out;
  wire::append_feed_batch(out, {generation, from, from + bytes.size(), count, bytes});
  return out;
}

class FeedConsumerTest : public testing::Test {
 protected:
  void SetUp() override { consumer.begin(1, 0); }
  // Three batches of two messages each, one after the other.
  std::string part(int i, std::uint64_t generation = 1) {
    const auto bytes = records(7, 2 * i + 1, 2 * i + 2);
    return batch(generation, i * bytes.size(), bytes, 2);
  }
  std::uint64_t end_of(int i) { return (i + 1) * records(7, 1, 2).size(); }
  bool wait_acks(std::size_t n) {
    return watched.wait([&] { return told.acks.size() >= n; });
  }

  Watched watched;
  FakeStore store{watched};
  Told told{watched};
  Metrics metrics;
  SystemClock clock;
  FeedConsumer consumer{store,
                        told,
                        told,
                        metrics,
                        clock,
                        [](LogLevel, std::string_view) {},
                        {.queue_batches = 4, .merge_batches = 3, .retry = {.first = 1ms, .max = 4ms}}};
};

TEST_F(FeedConsumerTest, stores_then_acknowledges_then_tells) {
  consumer.offer(part(0));
  ASSERT_TRUE(watched.wait([&] { return !told.rooms.empty(); }));
  EXPECT_THAT(store.seqs, ElementsAre(Pair(7, 1), Pair(7, 2)));
  EXPECT_THAT(told.acks, ElementsAre(Pair(1, end_of(0))));
  EXPECT_THAT(told.rooms, ElementsAre(Pair(7, 2)));
}

TEST_F(FeedConsumerTest, waiting_batches_go_into_one_transaction_up_to_the_limit) {
  store.corked = true;
  consumer.offer(part(0));
  ASSERT_TRUE(watched.wait([&] { return store.calls == 1; }));
  for (int i = 1; i < 5; ++i) consumer.offer(part(i));
  watched.change([&] { store.corked = false; });
  ASSERT_TRUE(wait_acks(3));
  EXPECT_THAT(told.acks, ElementsAre(Pair(1, end_of(0)), Pair(1, end_of(3)), Pair(1, end_of(4))));
  EXPECT_EQ(store.seqs.size(), 10u);
}

TEST_F(FeedConsumerTest, a_failed_transaction_is_tried_again_and_nothing_acknowledged_before) {
  store.fail_times = 3;
  consumer.offer(part(0));
  ASSERT_TRUE(wait_acks(1));
  EXPECT_EQ(store.calls, 4);
  EXPECT_EQ(told.acks.size(), 1u);
  EXPECT_TRUE(consumer.store_works());
}

TEST_F(FeedConsumerTest, tells_when_the_store_does_not_work) {
  store.fail_times = 1'000'000;
  consumer.offer(part(0));
  ASSERT_TRUE(watched.wait([&] { return store.calls >= 2; }));
  EXPECT_FALSE(consumer.store_works());
  EXPECT_THAT(told.acks, IsEmpty());
}

TEST_F(FeedConsumerTest, a_full_queue_drops_and_the_repeat_is_stored) {
  store.corked = true;
  consumer.offer(part(0));
  ASSERT_TRUE(watched.wait([&] { return store.calls == 1; }));
  for (int i = 1; i < 7; ++i) consumer.offer(part(i));
  EXPECT_EQ(metrics.counter("parley_feed_queue_full_total", "").value(), 2);
  watched.change([&] { store.corked = false; });
  ASSERT_TRUE(watched.wait([&] { return store.offset == end_of(4); }));
  consumer.offer(part(5));
  consumer.offer(part(6));
  ASSERT_TRUE(watched.wait([&] { return store.offset == end_of(6); }));
  EXPECT_EQ(store.seqs.size(), 14u);
}

TEST_F(FeedConsumerTest, a_hole_is_left_open_until_the_missing_batch_comes) {
  consumer.offer(part(1));
  ASSERT_TRUE(consumer.drain(60s));
  EXPECT_THAT(store.seqs, IsEmpty());
  consumer.offer(part(0));
  consumer.offer(part(1));
  ASSERT_TRUE(watched.wait([&] { return store.offset == end_of(1); }));
}

TEST_F(FeedConsumerTest, what_is_stored_already_is_acknowledged_again) {
  consumer.offer(part(0));
  ASSERT_TRUE(wait_acks(1));
  ASSERT_TRUE(consumer.drain(60s));
  consumer.offer(part(0));
  ASSERT_TRUE(wait_acks(2));
  EXPECT_EQ(told.acks[1], told.acks[0]);
  EXPECT_EQ(store.calls, 1);
}

TEST_F(FeedConsumerTest, repeats_of_what_waits_are_held_once) {
  store.corked = true;
  consumer.offer(part(0));
  ASSERT_TRUE(watched.wait([&] { return store.calls == 1; }));
  for (int repeat = 0; repeat < 5; ++repeat)
    for (int i = 1; i < 4; ++i) consumer.offer(part(i));
  EXPECT_EQ(metrics.gauge("parley_feed_queue_batches", "").value(), 3);
  watched.change([&] { store.corked = false; });
  ASSERT_TRUE(wait_acks(2));
  EXPECT_EQ(metrics.counter("parley_feed_queue_full_total", "").value(), 0);
}

TEST_F(FeedConsumerTest, a_broken_record_stops_the_feed_before_it_until_it_comes_whole) {
  auto broken = part(1);
  broken[broken.size() - 9] ^= 1;
  for (int times = 1; times <= 3; ++times) {
    consumer.offer(part(0));
    consumer.offer(broken);
    consumer.offer(part(2));
    ASSERT_TRUE(consumer.drain(60s));
    EXPECT_EQ(metrics.gauge("parley_feed_corrupt", "").value(), times == 3 ? 1 : 0);
  }
  EXPECT_EQ(store.offset, end_of(0));
  EXPECT_EQ(store.seqs.size(), 2u);
  consumer.offer(part(1));
  ASSERT_TRUE(watched.wait([&] { return store.offset == end_of(1); }));
  ASSERT_TRUE(consumer.drain(60s));
  EXPECT_EQ(metrics.gauge("parley_feed_corrupt", "").value(), 0);
}

TEST_F(FeedConsumerTest, nonsense_is_dropped) {
  consumer.offer("");
  consumer.offer("PFB1 and so on");
  consumer.offer(part(0));
  ASSERT_TRUE(wait_acks(1));
  EXPECT_EQ(metrics.counter("parley_feed_corrupt_total", "").value(), 2);
}

TEST_F(FeedConsumerTest, gives_up_when_a_newer_consumer_has_stored) {
  store.generation = 2;
  consumer.offer(part(0));
  ASSERT_TRUE(watched.wait([&] { return !told.given_up.empty(); }));
  EXPECT_THAT(told.given_up, ElementsAre(1));
  EXPECT_THAT(told.acks, IsEmpty());
}

TEST_F(FeedConsumerTest, gives_up_when_the_store_is_not_where_it_was) {
  consumer.begin(1, end_of(0));
  consumer.offer(part(1));
  ASSERT_TRUE(watched.wait([&] { return !told.given_up.empty(); }));
}

TEST_F(FeedConsumerTest, batches_of_other_generations_and_after_the_end_are_ignored) {
  consumer.offer(part(0, 2));
  consumer.end();
  consumer.offer(part(0));
  ASSERT_TRUE(consumer.drain(60s));
  EXPECT_EQ(store.calls, 0);
  consumer.begin(2, 0);
  consumer.offer(part(0, 1));
  consumer.offer(part(0, 2));
  ASSERT_TRUE(wait_acks(1));
  EXPECT_THAT(told.acks, ElementsAre(Pair(2, end_of(0))));
}

TEST_F(FeedConsumerTest, a_new_generation_ends_the_retries_of_the_old_one) {
  store.fail_times = 1'000'000;
  consumer.offer(part(0));
  ASSERT_TRUE(watched.wait([&] { return store.calls >= 2; }));
  watched.change([&] { store.fail_times = 0, store.corked = true; });
  consumer.begin(2, 0);
  consumer.offer(part(0, 2));
  watched.change([&] { store.corked = false; });
  ASSERT_TRUE(watched.wait(
      [&] { return !told.acks.empty() && told.acks.back() == std::pair(std::uint64_t{2}, end_of(0)); }));
}

TEST_F(FeedConsumerTest, draining_ends_at_its_deadline) {
  store.corked = true;
  consumer.offer(part(0));
  EXPECT_FALSE(consumer.drain(1ms));
  watched.change([&] { store.corked = false; });
  EXPECT_TRUE(consumer.drain(60s));
}

}  // namespace
}  // namespace parley::backend
