#include "plugin/feed/feed.h"

#include <gtest/gtest.h>

#include "plugin/journal/journal_testing.h"
#include "wire/feed.h"

namespace parley::plugin {
namespace {

using namespace testing;  // NOLINT: the tests' own

class FeedTest : public ::testing::Test {
 protected:
  void SetUp() override { open(); }
  void open() {
    feed.reset();
    journal.reset();
    auto opened = Journal::open(dir, journal_options);
    ASSERT_TRUE(opened) << opened.error().message;
    journal = std::move(*opened);
    auto made = Feed::open(*journal, options);
    ASSERT_TRUE(made) << made.error().message;
    feed = std::move(*made);
  }
  void write(int count) {
    for (int i = 0; i < count; ++i) {
      rows.push_back(next_row(*journal, 1, std::string(200, 'x')));
      ASSERT_TRUE(append(*journal, record_of(rows.back())));
      ends.push_back(journal->end());
    }
  }
  Result<wire::AttachOk> attach(const std::string& id, Offset offset, std::string_view consumer = "c1") {
    wire::Attach store;
    store.journal = id;
    store.offset = offset;
    return feed->attach(store, consumer, clock.wall());
  }
  // Attached and started from where the journal starts; the generation.
  std::uint64_t begin() {
    const auto ok = attach(journal->id(), journal->start());
    EXPECT_TRUE(ok) << ok.error().message;
    EXPECT_TRUE(feed->start(ok->generation, ok->start, clock.steady()));
    return ok->generation;
  }
  std::vector<wire::FeedBatch> tick() {
    std::vector<wire::FeedBatch> batches;
    feed->tick(clock.steady(), [&](std::string_view payload) {
      if (!connected) return false;
      sent.push_back(std::make_unique<std::string>(payload));
      const auto batch = wire::parse_feed_batch(*sent.back());
      EXPECT_TRUE(batch) << batch.error().message;
      EXPECT_TRUE(payload.size() <= options.batch_bytes || batch->count == 1);
      batches.push_back(*batch);
      return true;
    });
    return batches;
  }
  Result<> ack(std::uint64_t generation, Offset offset) {
    return feed->ack(generation, offset, clock.steady());
  }
  // Trims for good what is before the 80th of 100 records.
  void trimmed() {
    write(100);
    journal->trim(ends[80]);
    ASSERT_TRUE(journal->settle(kBound));
    ASSERT_GT(journal->start(), 0u);
  }

  TempFolder dir;
  FakeDisk disk;
  FakeClock clock;
  JournalOptions journal_options = small_options(&disk);
  FeedOptions options{.window = 3, .batch_bytes = 1000, .resend_after = milliseconds(5000)};
  std::unique_ptr<Journal> journal;
  std::unique_ptr<Feed> feed;
  std::vector<Row> rows;
  std::vector<Offset> ends;
  std::vector<std::unique_ptr<std::string>> sent;
  bool connected = true;
};

// --- attaching: the cases of the header ---

TEST_F(FeedTest, case_1_store_and_journal_continue_each_other) {
  write(10);
  const auto ok = attach(journal->id(), ends[4]);
  ASSERT_TRUE(ok);
  EXPECT_FALSE(ok->renewed);
  EXPECT_EQ(ok->journal, journal->id());
  EXPECT_EQ(ok->start, 0u);
  EXPECT_EQ(ok->end, journal->end());
  EXPECT_TRUE(attach(journal->id(), journal->end()));
}

// Its last acknowledgement came before the segment was left for the next one: nothing is missing, whatever has been trimmed.
TEST_F(FeedTest, case_1_also_from_the_unused_end_of_a_segment_that_is_stored_whole) {
  write(13);
  const std::uint64_t generation = begin();
  Offset stored = 0;
  for (auto batches = tick(); !batches.empty(); batches = tick()) {
    stored = batches.back().to;
    ASSERT_TRUE(ack(generation, stored));
  }
  ASSERT_EQ(stored, journal->end());
  ASSERT_LT(stored, 4096u - kSegmentHeader) << "there must be an unused end";
  rows.push_back(next_row(*journal, 1, std::string(3500, 'x')));
  ASSERT_TRUE(append(*journal, record_of(rows.back())));
  tick();
  ASSERT_TRUE(journal->settle(kBound));
  const auto ok = attach(journal->id(), stored);
  ASSERT_TRUE(ok);
  EXPECT_FALSE(ok->renewed) << ok->reason;
  ASSERT_TRUE(feed->start(ok->generation, stored, clock.steady()));
  EXPECT_EQ(rows_of(tick().front().records), std::vector<Row>{rows.back()});
}

TEST_F(FeedTest, case_2_a_store_put_back_from_a_copy_misses_what_was_trimmed) {
  trimmed();
  const std::string id = journal->id();
  for (int again = 0; again < 2; ++again) {
    const auto ok = attach(id, ends[3]);
    ASSERT_TRUE(ok);
    EXPECT_TRUE(ok->renewed);
    EXPECT_EQ(ok->journal, id);
    EXPECT_EQ(ok->lost_from, ends[3]);
    EXPECT_EQ(ok->lost_to, journal->start());
    EXPECT_NE(ok->reason, "");
  }
}

TEST_F(FeedTest, case_3_a_journal_put_back_from_a_copy_begins_anew) {
  ASSERT_TRUE(journal->open_for_messages());
  write(10);
  const std::string id = journal->id();
  const auto ok = attach(id, journal->end() + 1000);
  ASSERT_TRUE(ok);
  EXPECT_TRUE(ok->renewed);
  EXPECT_NE(ok->journal, id);
  EXPECT_EQ(ok->journal, journal->id());
  EXPECT_EQ(ok->start, 0u);
  EXPECT_EQ(ok->end, 0u);
  EXPECT_EQ(ok->lost_from, ok->lost_to);
  EXPECT_FALSE(journal->is_open_for_messages());
  EXPECT_EQ(journal->numbers().last_seq(1), 10u) << "numbers are never used again";
  const auto again = attach(id, 5000);
  EXPECT_TRUE(again->renewed) << "until the store has taken over the new id";
  EXPECT_EQ(again->journal, ok->journal);
}

TEST_F(FeedTest, case_3_an_offset_inside_a_record_means_another_past) {
  write(10);
  const std::string id = journal->id();
  const auto ok = attach(id, ends[4] + 8);
  ASSERT_TRUE(ok);
  EXPECT_TRUE(ok->renewed);
  EXPECT_NE(ok->journal, id);
}

TEST_F(FeedTest, case_4_a_new_store_and_a_whole_journal_continue) {
  write(10);
  const auto ok = attach("", 0);
  ASSERT_TRUE(ok);
  EXPECT_FALSE(ok->renewed);
  EXPECT_EQ(ok->start, 0u);
}

TEST_F(FeedTest, case_5_a_new_store_misses_what_an_old_journal_let_go) {
  trimmed();
  const auto ok = attach("", 0);
  ASSERT_TRUE(ok);
  EXPECT_TRUE(ok->renewed);
  EXPECT_EQ(ok->lost_from, 0u);
  EXPECT_EQ(ok->lost_to, journal->start());
}

TEST_F(FeedTest, case_6_strangers_start_anew_and_what_is_held_is_delivered) {
  write(9);
  const auto ok = attach("aaaaaaaaaaaaaaaa", 123456);
  ASSERT_TRUE(ok);
  EXPECT_TRUE(ok->renewed);
  EXPECT_EQ(ok->journal, journal->id());
  EXPECT_EQ(ok->lost_from, ok->lost_to);
  ASSERT_TRUE(feed->start(ok->generation, ok->start, clock.steady()));
  std::vector<Row> got;
  for (const auto& batch : tick()) std::ranges::copy(rows_of(batch.records), std::back_inserter(got));
  EXPECT_EQ(got, rows);
}

// --- the lease ---

TEST_F(FeedTest, a_second_consumer_waits_until_the_first_has_gone) {
  const auto first = attach(journal->id(), 0, "c1");
  ASSERT_TRUE(first);
  EXPECT_EQ(attach(journal->id(), 0, "c2").error().code, Errc::unavailable);
  feed->detach("c2");
  EXPECT_TRUE(feed->is_current(first->generation, "c1"));
  feed->detach("c1");
  EXPECT_FALSE(feed->is_current(first->generation, "c1"));
  const auto second = attach(journal->id(), 0, "c2");
  ASSERT_TRUE(second);
  EXPECT_GT(second->generation, first->generation);
}

TEST_F(FeedTest, generations_grow_over_restarts_and_old_copies_and_a_clock_set_back) {
  const std::uint64_t first = attach(journal->id(), 0)->generation;
  open();
  clock.step_wall(milliseconds(-1'000'000));
  const std::uint64_t second = attach(journal->id(), 0)->generation;
  EXPECT_GT(second, first);
  fs::remove(dir.path() / "feed.generation");
  open();
  clock.step_wall(milliseconds(2'000'000));
  EXPECT_GT(attach(journal->id(), 0)->generation, second);
}

TEST_F(FeedTest, a_damaged_generation_is_told) {
  feed.reset();
  for (const char* text : {"", "x", "12", "12x\n", "99999999999999999999\n"}) {
    spill(dir.path() / "feed.generation", text);
    EXPECT_EQ(Feed::open(*journal, options).error().code, Errc::corrupt) << text;
  }
}

TEST_F(FeedTest, what_an_old_generation_says_is_refused) {
  write(10);
  const std::uint64_t old = begin();
  const auto batch = tick().front();
  const std::uint64_t now = attach(journal->id(), 0)->generation;
  EXPECT_EQ(ack(old, batch.to).error().code, Errc::permission_denied);
  EXPECT_EQ(feed->start(old, 0, clock.steady()).error().code, Errc::permission_denied);
  EXPECT_EQ(ack(now, batch.to).error().code, Errc::permission_denied) << "nothing was started";
  EXPECT_EQ(journal->acked(), 0u);
}

TEST_F(FeedTest, nothing_is_sent_before_start_or_after_detach) {
  write(10);
  ASSERT_TRUE(attach(journal->id(), 0));
  EXPECT_TRUE(tick().empty());
  begin();
  feed->detach("c1");
  EXPECT_TRUE(tick().empty());
}

// --- start ---

TEST_F(FeedTest, start_opens_the_journal_for_messages_and_trims_what_is_stored) {
  write(10);
  const auto ok = attach(journal->id(), ends[4]);
  EXPECT_FALSE(journal->is_open_for_messages());
  ASSERT_TRUE(feed->start(ok->generation, ends[4], clock.steady()));
  EXPECT_TRUE(journal->is_open_for_messages());
  EXPECT_EQ(journal->acked(), ends[4]);
  EXPECT_EQ(tick().front().from, ends[4]);
}

TEST_F(FeedTest, start_is_refused_outside_the_journal_and_inside_a_record) {
  trimmed();
  const auto ok = attach(journal->id(), journal->end());
  for (const Offset offset : {Offset{0}, journal->start() + 8, journal->end() + 8}) {
    EXPECT_EQ(feed->start(ok->generation, offset, clock.steady()).error().code, Errc::invalid_argument)
        << offset;
  }
}

TEST_F(FeedTest, a_consumer_that_missed_something_starts_again_without_waiting) {
  write(20);
  const std::uint64_t generation = begin();
  const auto batches = tick();
  ASSERT_EQ(batches.size(), 3u);
  ASSERT_TRUE(ack(generation, batches[0].to));
  ASSERT_TRUE(feed->start(generation, batches[0].to, clock.steady()));
  EXPECT_EQ(tick().front().from, batches[0].to);
  EXPECT_EQ(feed->start(generation, 0, clock.steady()).error().code, Errc::invalid_argument)
      << "that is acknowledged";
}

// --- the window ---

TEST_F(FeedTest, batches_follow_each_other_and_the_window_is_kept) {
  write(100);
  const std::uint64_t generation = begin();
  auto batches = tick();
  ASSERT_EQ(batches.size(), 3u);
  EXPECT_TRUE(tick().empty());
  std::vector<Row> got;
  Offset at = 0;
  while (!batches.empty()) {
    for (const auto& batch : batches) {
      EXPECT_EQ(batch.generation, generation);
      EXPECT_EQ(batch.from, at);
      at = batch.to;
      std::ranges::copy(rows_of(batch.records), std::back_inserter(got));
    }
    ASSERT_TRUE(ack(generation, at));
    EXPECT_EQ(journal->acked(), at);
    batches = tick();
  }
  EXPECT_EQ(got, rows);
  EXPECT_EQ(at, journal->end());
  EXPECT_EQ(feed->stats().lag_bytes, 0u);
}

TEST_F(FeedTest, a_record_larger_than_a_batch_goes_alone) {
  rows.push_back(next_row(*journal, 1, std::string(3000, 'x')));
  ASSERT_TRUE(append(*journal, record_of(rows.back())));
  write(2);
  begin();
  const auto batches = tick();
  EXPECT_EQ(batches.front().count, 1u);
  EXPECT_EQ(rows_of(batches.front().records), std::vector<Row>{rows.front()});
}

TEST_F(FeedTest, without_progress_everything_on_its_way_is_sent_again_as_it_was) {
  write(30);
  const std::uint64_t generation = begin();
  const auto first = tick();
  clock.advance(milliseconds(4999));
  EXPECT_TRUE(tick().empty());
  clock.advance(milliseconds(1));
  write(3);
  const auto second = tick();
  ASSERT_EQ(second.size(), first.size());
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(second[i].from, first[i].from);
    EXPECT_EQ(second[i].to, first[i].to);
    EXPECT_EQ(second[i].records, first[i].records);
  }
  EXPECT_EQ(feed->stats().resends, 1u);
  ASSERT_TRUE(ack(generation, first[2].to));
  clock.advance(milliseconds(4999));
  EXPECT_EQ(tick().front().from, first[2].to) << "an acknowledgement is progress";
}

// A batch that ended where the segment's records ended then is the same one when the segment is full.
TEST_F(FeedTest, a_batch_sent_again_keeps_its_end_when_its_segment_has_been_left_since) {
  options.batch_bytes = 8192;
  open();
  write(14);
  begin();
  const auto first = tick();
  ASSERT_EQ(first.size(), 1u);
  write(1);
  const auto tail = tick();
  rows.push_back(next_row(*journal, 1, std::string(3500, 'y')));
  ASSERT_TRUE(append(*journal, record_of(rows.back())));
  const auto next = tick();
  clock.advance(milliseconds(5000));
  const auto again = tick();
  ASSERT_EQ(again.size(), first.size() + tail.size() + next.size());
  EXPECT_EQ(again[0].to, first[0].to);
  EXPECT_EQ(again[0].records, first[0].records);
  EXPECT_EQ(again.back().from, next.back().from);
  EXPECT_EQ(again.back().to, next.back().to);
  EXPECT_EQ(again.back().records, next.back().records);
}

TEST_F(FeedTest, only_the_ends_of_batches_on_their_way_can_be_acknowledged) {
  write(30);
  const std::uint64_t generation = begin();
  const auto batches = tick();
  EXPECT_EQ(ack(generation, ends[0]).error().code, Errc::invalid_argument);
  EXPECT_EQ(ack(generation, journal->end()).error().code, Errc::invalid_argument);
  EXPECT_EQ(journal->acked(), 0u);
  ASSERT_TRUE(ack(generation, batches[1].to));
  EXPECT_TRUE(ack(generation, batches[0].to)) << "late, and harmless";
  EXPECT_EQ(journal->acked(), batches[1].to);
  EXPECT_EQ(feed->stats().in_flight, 1u);
  EXPECT_EQ(feed->stats().acks_refused, 2u);
}

TEST_F(FeedTest, what_could_not_be_published_comes_again_at_the_next_tick) {
  write(30);
  begin();
  connected = false;
  EXPECT_TRUE(tick().empty());
  connected = true;
  EXPECT_EQ(tick().front().from, 0u);
  clock.advance(milliseconds(5000));
  connected = false;
  EXPECT_TRUE(tick().empty());
  connected = true;
  EXPECT_EQ(tick().size(), 3u);
}

TEST_F(FeedTest, options_that_make_no_sense_are_refused) {
  EXPECT_FALSE(Feed::open(*journal, {.window = 0}));
  EXPECT_FALSE(Feed::open(*journal, {.batch_bytes = wire::kFeedHeader}));
}

}  // namespace
}  // namespace parley::plugin
