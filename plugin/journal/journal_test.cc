#include "plugin/journal/journal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "plugin/journal/journal_testing.h"

namespace parley::plugin {
namespace {

using namespace testing;  // NOLINT: the tests' own

// For what the journal's thread does in its own time.
template <class Condition>
void wait_until(Condition condition) {
  const auto until = std::chrono::steady_clock::now() + kBound;
  while (!condition() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  EXPECT_TRUE(condition());
}

class JournalTest : public ::testing::Test {
 protected:
  void open() {
    journal.reset();
    auto opened = Journal::open(dir, options);
    ASSERT_TRUE(opened) << opened.error().message;
    journal = std::move(*opened);
  }
  // `count` records of about `bytes` bytes each, in rooms 1 to 3.
  void write(int count, std::size_t bytes = 200) {
    for (int i = 0; i < count; ++i) {
      const Row row = next_row(*journal, 1 + i % 3, std::string(bytes, 'x'));
      const auto done = append(*journal, record_of(row));
      ASSERT_TRUE(done) << journal->trouble();
      rows.push_back(row);
      ends.push_back(*done);
    }
  }

  TempFolder dir;
  FakeDisk disk;
  JournalOptions options = small_options(&disk);
  std::unique_ptr<Journal> journal;
  std::vector<Row> rows;
  std::vector<Offset> ends;
};

TEST_F(JournalTest, a_new_one_is_empty_and_closed_for_messages) {
  open();
  EXPECT_EQ(journal->start(), 0u);
  EXPECT_EQ(journal->end(), 0u);
  EXPECT_EQ(journal->id().size(), kJournalIdChars);
  EXPECT_FALSE(journal->is_open_for_messages());
  EXPECT_EQ(journal->read(0, 1000)->count, 0u);
}

TEST_F(JournalTest, records_come_back_in_order_over_many_segments) {
  open();
  write(100);
  EXPECT_GT(journal->stats().segments, 3u);
  EXPECT_EQ(rows_from(*journal, 0), rows);
  EXPECT_EQ(rows_from(*journal, ends[41]), std::vector<Row>(rows.begin() + 42, rows.end()));
}

TEST_F(JournalTest, a_run_never_crosses_a_segment_and_its_end_is_where_the_next_begins) {
  open();
  write(100);
  Offset at = 0;
  while (at != journal->end()) {
    const auto run = journal->read(at, 1 << 20);
    ASSERT_TRUE(run);
    EXPECT_EQ(run->from, at);
    EXPECT_LE(run->bytes.size(), 4096u - kSegmentHeader);
    EXPECT_TRUE(run->to == journal->end() || run->to % (4096 - kSegmentHeader) == 0) << run->to;
    EXPECT_TRUE(journal->is_boundary(run->to));
    EXPECT_EQ(rows_of(run->bytes).size(), run->count);
    at = run->to;
  }
}

TEST_F(JournalTest, a_run_has_at_least_one_record_and_none_behind_the_limit) {
  open();
  write(10);
  EXPECT_EQ(journal->read(0, 1)->count, 1u);
  EXPECT_EQ(journal->read(0, 1 << 20, ends[4])->to, ends[4]);
  EXPECT_EQ(journal->read(0, 1 << 20, ends[0] - 1)->count, 0u);
  EXPECT_EQ(journal->read(journal->end() + 1, 1).error().code, Errc::invalid_argument);
}

// A consumer that read up to the end of a segment that was not full yet goes on behind it.
TEST_F(JournalTest, reading_goes_on_from_the_unused_end_of_a_segment) {
  open();
  write(15);
  const Offset end = journal->end();
  write(1, 3000);
  const auto run = journal->read(end, 1 << 20);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->from, end);
  EXPECT_EQ(run->to, journal->end());
  EXPECT_EQ(rows_of(run->bytes), std::vector<Row>{rows.back()});
  EXPECT_TRUE(journal->is_boundary(end));
}

TEST_F(JournalTest, only_record_starts_and_the_end_are_boundaries) {
  open();
  write(30);
  std::vector<Offset> found;
  for (Offset at = 0; at <= journal->end() + 8; ++at) {
    if (journal->is_boundary(at)) found.push_back(at);
  }
  std::vector<Offset> expected = {0, 4096 - kSegmentHeader};
  expected.insert(expected.end(), ends.begin(), ends.end());
  std::ranges::sort(expected);
  EXPECT_EQ(std::vector<Offset>(found.begin(), found.begin() + 3),
            std::vector<Offset>(expected.begin(), expected.begin() + 3));
  for (const Offset end : ends) EXPECT_TRUE(std::ranges::binary_search(found, end));
  EXPECT_LE(found.size(), ends.size() + 3);
}

TEST_F(JournalTest, numbers_and_records_survive_a_restart) {
  open();
  const std::string id = journal->id();
  write(50);
  const Offset end = journal->end();
  open();
  EXPECT_EQ(journal->id(), id);
  EXPECT_EQ(journal->end(), end);
  EXPECT_EQ(rows_from(*journal, 0), rows);
  EXPECT_EQ(journal->stats().recovered_records, 50u);
  for (const std::uint64_t room : {1, 2, 3}) EXPECT_GE(journal->numbers().last_seq(room), 16u);
  write(50);
  EXPECT_EQ(rows_from(*journal, 0), rows);
}

TEST_F(JournalTest, a_record_too_large_is_refused_and_changes_nothing) {
  open();
  const Row row = next_row(*journal, 1, std::string(5000, 'x'));
  EXPECT_EQ(journal->append(record_of(row)).error(), AppendError::too_large);
  EXPECT_EQ(journal->end(), 0u);
  EXPECT_EQ(journal->numbers().last_seq(1), 0u);
  write(1);
}

TEST_F(JournalTest, the_backlog_is_bounded_by_what_is_unacknowledged) {
  options.max_bytes = 10'000;
  open();
  std::expected<Offset, AppendError> done = 0;
  while (done) {
    const Row row = next_row(*journal, 1, std::string(200, 'x'));
    done = append(*journal, record_of(row));
    if (done) ends.push_back(*done);
  }
  EXPECT_EQ(done.error(), AppendError::backlog_full);
  EXPECT_LE(journal->stats().backlog_bytes, 10'000u);
  EXPECT_EQ(journal->numbers().last_seq(1), ends.size());
  journal->trim(ends[5]);
  write(1);
}

TEST_F(JournalTest, acknowledged_segments_go_when_a_checkpoint_has_taken_their_place) {
  open();
  write(100);
  journal->trim(ends[80]);
  ASSERT_TRUE(journal->settle(kBound));
  EXPECT_GT(journal->start(), 0u);
  EXPECT_LE(journal->start(), ends[80]);
  EXPECT_EQ(Segment::base_of(segment_files(dir).front().filename().string()), journal->start());
  const std::vector<Row> left = rows_from(*journal, journal->start());
  EXPECT_EQ(left, std::vector<Row>(rows.end() - static_cast<std::ptrdiff_t>(left.size()), rows.end()));
  const Offset start = journal->start();
  open();
  EXPECT_EQ(journal->start(), start);
  EXPECT_EQ(rows_from(*journal, start), left);
  EXPECT_EQ(journal->numbers().last_seq(1), 34u);
}

TEST_F(JournalTest, trimming_backwards_or_beyond_the_end_is_harmless) {
  open();
  write(10);
  journal->trim(ends[5]);
  journal->trim(ends[2]);
  EXPECT_EQ(journal->acked(), ends[5]);
  journal->trim(journal->end() + 1'000'000);
  EXPECT_EQ(journal->acked(), journal->end());
  write(10);
  EXPECT_EQ(rows_from(*journal, ends[9]), std::vector<Row>(rows.begin() + 10, rows.end()));
}

TEST_F(JournalTest, refs_survive_trimming_and_restart) {
  open();
  constexpr std::int64_t kAt = 1'795'314'673'123;
  for (std::uint64_t n = 1; n <= 100; ++n) {
    ASSERT_TRUE(append(*journal, record_of(next_row(*journal, 1, std::string(200, 'x')), n, kAt)));
  }
  journal->trim(journal->end());
  ASSERT_TRUE(journal->settle(kBound));
  ASSERT_GT(journal->start(), 0u);
  open();
  for (std::uint64_t n = 1; n <= 100; ++n) EXPECT_EQ(journal->numbers().find_ref(ref_of(n), from_ms(kAt)), n);
  EXPECT_EQ(journal->numbers().find_ref(ref_of(1), from_ms(kAt + 24 * 3600 * 1000)), std::nullopt);
}

TEST_F(JournalTest, what_is_old_goes_though_nobody_writes) {
  options.ref_window = std::chrono::hours(1);
  open();
  constexpr std::int64_t kAt = 1'795'314'673'123;
  const Row row = next_row(*journal, 1, "a secret");
  ASSERT_TRUE(append(*journal, record_of(row, 1, kAt)));
  const Offset end = journal->end();
  journal->trim(end);
  journal->retire(from_ms(kAt) + std::chrono::minutes(29));
  EXPECT_EQ(journal->end(), end);
  journal->retire(from_ms(kAt) + std::chrono::minutes(31));
  ASSERT_GT(journal->end(), end);
  // The consumer is taken past the unused end, and not before that does the segment go.
  ASSERT_TRUE(journal->settle(kBound));
  EXPECT_EQ(journal->start(), 0u);
  const auto run = journal->read(end, 1000);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->count, 0u);
  EXPECT_EQ(run->to, journal->end());
  EXPECT_TRUE(journal->is_boundary(end));
  journal->trim(run->to);
  ASSERT_TRUE(journal->settle(kBound));
  EXPECT_EQ(journal->start(), journal->end());
  for (const auto& entry : fs::directory_iterator(journal->dir()))
    EXPECT_EQ(slurp(entry.path()).find("secret"), std::string::npos) << entry.path();
  EXPECT_EQ(journal->numbers().find_ref(ref_of(1), from_ms(kAt)), 1u);
  EXPECT_EQ(next_row(*journal, 1).seq, 2u);
  // An empty segment stays as it is.
  const Offset empty = journal->end();
  journal->retire(from_ms(kAt) + std::chrono::hours(5));
  EXPECT_EQ(journal->end(), empty);
}

// Whatever is written, the folder stays as small as what is not acknowledged, the checkpoint, and a few segments.
TEST_F(JournalTest, the_folder_stays_small_and_checkpoints_are_written_in_proportion) {
  open();
  for (int i = 0; i < 60; ++i) {
    write(40);
    journal->trim(journal->end());
    ASSERT_TRUE(journal->settle(kBound));
    EXPECT_LT(journal->end() - journal->start(), 8u * 4096 + 4 * journal->stats().checkpoint_bytes);
  }
  EXPECT_LT(segment_files(dir).size(), 12u);
}

TEST_F(JournalTest, a_forgotten_room_leaves_the_checkpoint) {
  open();
  write(60);
  journal->forget(2);
  EXPECT_EQ(journal->numbers().last_seq(2), 0u);
  for (int i = 0; i < 60; ++i)
    ASSERT_TRUE(append(*journal, record_of(next_row(*journal, 1, std::string(200, 'x')))));
  journal->trim(journal->end());
  ASSERT_TRUE(journal->settle(kBound));
  ASSERT_GT(journal->start(), ends.back());
  open();
  EXPECT_EQ(journal->numbers().last_seq(1), 80u);
  EXPECT_EQ(journal->numbers().last_seq(2), 0u);
  EXPECT_EQ(journal->stats().rooms, 2u);
}

TEST_F(JournalTest, a_renewed_one_is_empty_keeps_its_numbers_and_is_closed) {
  open();
  ASSERT_TRUE(journal->open_for_messages());
  write(60);
  journal->trim(ends[20]);
  const std::string id = journal->id();
  ASSERT_TRUE(journal->renew());
  const std::string renewed = journal->id();
  EXPECT_NE(renewed, id);
  EXPECT_EQ(journal->start(), 0u);
  EXPECT_EQ(journal->end(), 0u);
  EXPECT_FALSE(journal->is_open_for_messages());
  EXPECT_EQ(journal->numbers().last_seq(1), 20u);
  open();
  EXPECT_EQ(journal->id(), renewed);
  EXPECT_EQ(journal->numbers().last_seq(1), 20u);
  rows.clear();
  write(60);
  EXPECT_EQ(rows.front().seq, 21u);
  open();
  EXPECT_EQ(rows_from(*journal, 0), rows);
  journal->trim(journal->end());
  ASSERT_TRUE(journal->settle(kBound));
  open();
  EXPECT_EQ(journal->numbers().last_seq(1), 40u);
}

TEST_F(JournalTest, being_open_for_messages_survives_a_restart) {
  open();
  ASSERT_TRUE(journal->open_for_messages());
  open();
  EXPECT_TRUE(journal->is_open_for_messages());
}

TEST_F(JournalTest, two_processes_cant_share_a_folder) {
  open();
  const auto second = Journal::open(dir, options);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::unavailable);
}

TEST_F(JournalTest, options_that_make_no_sense_are_refused) {
  for (const std::uint64_t bytes : {0ull, 100ull, 4097ull, 1ull << 31}) {
    options.segment_bytes = bytes;
    EXPECT_EQ(Journal::open(dir, options).error().code, Errc::invalid_argument);
  }
}

TEST_F(JournalTest, a_full_disk_refuses_messages_until_there_is_space_again) {
  std::vector<std::string> lines;
  options.log = [&](LogLevel, std::string_view line) { lines.emplace_back(line); };
  open();
  disk.full = true;
  std::expected<Offset, AppendError> done = 0;
  while (done) {
    const Row row = next_row(*journal, 1, std::string(200, 'x'));
    done = journal->append(record_of(row));
    if (done) rows.push_back(row);
  }
  EXPECT_EQ(done.error(), AppendError::no_space);
  EXPECT_EQ(rows_from(*journal, 0), rows);
  wait_until([&] { return journal->trouble().find("No space left on device") != std::string::npos; });
  disk.full = false;
  ASSERT_TRUE(journal->settle(kBound));
  EXPECT_EQ(journal->trouble(), "");
  write(30);
  EXPECT_EQ(rows_from(*journal, 0), rows);
  ASSERT_EQ(lines.size(), 2u) << "once when it began, once when it was over";
  EXPECT_NE(lines[0].find("No space left on device"), std::string::npos) << lines[0];
}

TEST_F(JournalTest, a_full_disk_at_the_start_is_told_when_there_is_nothing_yet) {
  disk.full = true;
  const auto opened = Journal::open(dir, options);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::unavailable);
  EXPECT_TRUE(segment_files(dir).empty());
}

TEST_F(JournalTest, a_full_disk_at_the_start_does_not_keep_records_from_the_consumer) {
  open();
  write(50);
  journal.reset();
  disk.full = true;
  open();
  EXPECT_EQ(rows_from(*journal, 0), rows);
}

TEST_F(JournalTest, with_sync_always_each_record_is_flushed_and_a_failure_takes_it_back) {
  options.sync = SyncPolicy::always;
  open();
  write(5);
  EXPECT_GE(disk.flushes, 5);
  disk.flush_error = EIO;
  const Offset end = journal->end();
  const Row row = next_row(*journal, 1);
  EXPECT_EQ(journal->append(record_of(row)).error(), AppendError::broken);
  EXPECT_EQ(journal->end(), end);
  disk.flush_error = 0;
  EXPECT_EQ(journal->append(record_of(row)).error(), AppendError::broken)
      << "what the disk lost is not known";
  EXPECT_NE(journal->trouble(), "");
  open();
  EXPECT_EQ(rows_from(*journal, 0), rows);
}

TEST_F(JournalTest, with_sync_off_only_full_segments_are_flushed) {
  open();
  write(5);
  ASSERT_TRUE(journal->settle(kBound));
  EXPECT_EQ(disk.flushes, 0);
  write(30);
  ASSERT_TRUE(journal->settle(kBound));
  EXPECT_GT(disk.flushes, 0);
}

TEST_F(JournalTest, with_an_interval_the_thread_flushes_by_itself) {
  options.sync = SyncPolicy::interval;
  options.sync_interval = milliseconds(1);
  open();
  write(1);
  wait_until([&] { return disk.flushes > 0; });
}

}  // namespace
}  // namespace parley::plugin
