#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>

#include "plugin/journal/checkpoint.h"
#include "plugin/journal/journal.h"
#include "plugin/journal/journal_testing.h"

namespace parley::plugin {
namespace {

using namespace testing;  // NOLINT: the tests' own

// A journal as a killed process leaves it, in a folder of its own, with three rooms' records over some segments.
class RecoveryTest : public ::testing::Test {
 protected:
  void make(int records, std::size_t bytes = 200) {
    auto journal = Journal::open(live, options);
    ASSERT_TRUE(journal) << journal.error().message;
    ASSERT_TRUE((*journal)->open_for_messages());
    id = (*journal)->id();
    for (int i = 0; i < records; ++i) {
      const Row row = next_row(**journal, 1 + i % 3, std::string(bytes, static_cast<char>('a' + i % 26)));
      ASSERT_TRUE(append(**journal, record_of(row)));
      rows.push_back(row);
    }
    ASSERT_TRUE((*journal)->settle(kBound));
    killed.become(live);
    dir.become(killed);
  }
  Result<std::unique_ptr<Journal>> reopen() { return Journal::open(dir, options); }
  // The file that is being written, with `edit` applied to its bytes.
  template <class Edit>
  void edit(const fs::path& path, Edit edit) {
    std::string bytes = slurp(path);
    edit(bytes);
    spill(path, bytes);
  }
  // The segment that holds the newest record.
  fs::path active() const {
    fs::path found;
    for (const fs::path& path : segment_files(dir)) {
      if (!*Segment::is_blank(path)) found = path;
    }
    return found;
  }
  void expect_corrupt(const std::string& file) {
    const auto journal = reopen();
    ASSERT_FALSE(journal);
    EXPECT_EQ(journal.error().code, Errc::corrupt);
    EXPECT_NE(journal.error().message.find(file), std::string::npos) << journal.error().message;
    EXPECT_NE(journal.error().message.find("move it away"), std::string::npos) << journal.error().message;
  }

  TempFolder live, killed, dir;  // at work, as it was then, what a test does its worst to
  FakeDisk disk;
  JournalOptions options = small_options(&disk);
  std::string id;
  std::vector<Row> rows;
};

TEST_F(RecoveryTest, nothing_is_lost_when_the_process_is_killed) {
  make(100);
  auto journal = reopen();
  ASSERT_TRUE(journal) << journal.error().message;
  EXPECT_EQ((*journal)->id(), id);
  EXPECT_TRUE((*journal)->is_open_for_messages());
  EXPECT_EQ(rows_from(**journal, 0), rows);
  EXPECT_EQ((*journal)->stats().cut_bytes, 0u);
}

TEST_F(RecoveryTest, torn_tail_is_cut_and_written_over) {
  make(20);
  edit(active(),
       [](std::string& bytes) {  // a body without its length, as a kill in the middle of a record leaves it
         const std::size_t end = bytes.find_last_not_of('\0') / 8 * 8 + 8;
         bytes.replace(end + 8, 100, std::string(100, 'z'));
       });
  auto journal = reopen();
  ASSERT_TRUE(journal) << journal.error().message;
  EXPECT_EQ(rows_from(**journal, 0), rows);
  EXPECT_GT((*journal)->stats().cut_bytes, 0u);
  const Row row = next_row(**journal, 1, "");
  ASSERT_TRUE(append(**journal, record_of(row)));
  rows.push_back(row);
  journal->reset();
  journal = reopen();
  ASSERT_TRUE(journal) << journal.error().message;
  EXPECT_EQ(rows_from(**journal, 0), rows);
}

// Every bit of the segment that was being written: either the journal says that it is damaged, or all but its last record is there.
TEST_F(RecoveryTest, no_changed_bit_loses_a_record_silently) {
  make(9, 20);
  const fs::path path = active();
  const std::string whole = slurp(path);
  const std::size_t end = whole.find_last_not_of('\0') + 16;
  int cut = 0, refused = 0;
  const std::vector<Row> all_but_last(rows.begin(), rows.end() - 1);
  for (std::size_t bit = 0; bit < end * 8; bit += bit / 8 < 200 ? 1 : 3) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    spill(path, bytes);
    auto journal = reopen();
    if (!journal) {
      ASSERT_EQ(journal.error().code, Errc::corrupt) << "bit " << bit;
      ++refused;
    } else {
      const std::vector<Row> found = rows_from(**journal, 0);
      ASSERT_TRUE(found == rows || found == all_but_last) << "bit " << bit;
      cut += found == all_but_last ? 1 : 0;
    }
    dir.become(killed);
  }
  EXPECT_GT(cut, 0);
  EXPECT_GT(refused, 0);
}

// The file ends anywhere, as no file system in order leaves it: refused, or blank, but never quietly shorter.
TEST_F(RecoveryTest, a_file_cut_short_is_damage_unless_it_holds_nothing) {
  make(5);
  const fs::path path = active();
  const std::string whole = slurp(path);
  for (std::size_t size = kSegmentHeader + 1; size < whole.size(); size += 97) {
    spill(path, whole.substr(0, size));
    const auto journal = reopen();
    ASSERT_FALSE(journal) << "size " << size;
    ASSERT_EQ(journal.error().code, Errc::corrupt) << "size " << size;
  }
}

TEST_F(RecoveryTest, damage_before_sound_records_is_told_and_nothing_is_changed) {
  make(20);
  const fs::path path = active();
  edit(path, [](std::string& bytes) { bytes[kSegmentHeader + 100] ^= 1; });
  const std::string before = slurp(path);
  expect_corrupt(path.filename().string());
  EXPECT_EQ(slurp(path), before);
}

TEST_F(RecoveryTest, damage_in_an_older_segment_is_told) {
  make(60);
  const fs::path path = segment_files(dir).front();
  edit(path, [](std::string& bytes) { bytes[kSegmentHeader + 100] ^= 1; });
  expect_corrupt(path.filename().string());
}

TEST_F(RecoveryTest, records_missing_from_the_end_of_an_older_segment_are_told) {
  make(60);
  const fs::path path = segment_files(dir).front();
  edit(path, [](std::string& bytes) {
    std::size_t size = 0, at = kSegmentHeader, last = at;
    while (wire::read_record(std::string_view(bytes).substr(at), size)) last = std::exchange(at, at + size);
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(last), bytes.end(), '\0');
  });
  expect_corrupt(path.filename().string());
}

TEST_F(RecoveryTest, a_missing_segment_is_told) {
  make(60);
  const std::vector<fs::path> paths = segment_files(dir);
  fs::remove(paths[1]);
  expect_corrupt(paths[2].filename().string());
}

TEST_F(RecoveryTest, a_missing_or_damaged_identity_is_told) {
  make(5);
  fs::remove(dir.path() / "journal.id");
  expect_corrupt("journal.id");
  spill(dir.path() / "journal.id", "parley-journal 1\nid x\n");
  EXPECT_EQ(reopen().error().code, Errc::corrupt);
}

TEST_F(RecoveryTest, what_a_crash_leaves_of_a_new_segment_is_removed) {
  make(20);
  const std::vector<fs::path> paths = segment_files(dir);
  const std::uint64_t next = *Segment::base_of(paths.back().filename().string()) + 4096 - kSegmentHeader;
  const auto leftover = [&](int n) {
    return dir.path() / Segment::file_name(next + static_cast<std::uint64_t>(n) * 4032);
  };
  spill(leftover(0), "");
  spill(leftover(1), std::string(10, '\0'));
  spill(leftover(2), "PJSG");
  spill(leftover(3), std::string(4096, '\0'));
  spill(dir.path() / "00000000000000004032.seg.tmp", "half");
  spill(dir.path() / "checkpoint.tmp", "half");
  spill(dir.path() / "journal.id.aB3xyz", "half");
  auto journal = reopen();
  ASSERT_TRUE(journal) << journal.error().message;
  EXPECT_EQ(rows_from(**journal, 0), rows);
  for (const auto& entry : fs::directory_iterator(dir.path())) {
    EXPECT_FALSE(entry.path().string().ends_with(".tmp") || entry.path().string().ends_with(".aB3xyz"))
        << entry.path();
  }
}

TEST_F(RecoveryTest, segments_that_a_checkpoint_covers_are_removed) {
  make(60);
  {
    auto journal = reopen();
    ASSERT_TRUE(journal);
    (*journal)->trim((*journal)->end());
    ASSERT_TRUE((*journal)->settle(kBound));
    ASSERT_GT((*journal)->start(), 0u);
  }
  // As if it had been killed between checkpoint and removal.
  for (const fs::path& path : segment_files(killed)) {
    if (!fs::exists(dir.path() / path.filename())) fs::copy_file(path, dir.path() / path.filename());
  }
  auto journal = reopen();
  ASSERT_TRUE(journal) << journal.error().message;
  EXPECT_GT((*journal)->start(), 0u);
  EXPECT_EQ((*journal)->numbers().last_seq(3), 20u);
  EXPECT_EQ(Segment::base_of(segment_files(dir).front().filename().string()), (*journal)->start());
}

TEST_F(RecoveryTest, a_lost_or_foreign_checkpoint_is_told) {
  make(60);
  {
    auto journal = reopen();
    ASSERT_TRUE(journal);
    (*journal)->trim((*journal)->end());
    ASSERT_TRUE((*journal)->settle(kBound));
    ASSERT_GT((*journal)->start(), 0u);
  }
  const fs::path path = dir.path() / kCheckpointName;
  const std::string whole = slurp(path);
  fs::remove(path);
  expect_corrupt(segment_files(dir).front().filename().string());
  spill(path, whole.substr(0, whole.size() - 1));
  expect_corrupt(kCheckpointName);
  ASSERT_TRUE(write_checkpoint(path, {"aaaaaaaaaaaaaaaa", 0, 0}, Numbers(milliseconds(1), 1)));
  expect_corrupt(kCheckpointName);
}

// A renewal that was killed at each of its steps is either not begun or finished.
TEST_F(RecoveryTest, a_killed_renewal_is_undone_before_its_identity_and_finished_after) {
  make(60);
  Numbers numbers(options.ref_window, options.ref_max);
  numbers.raise(1, 77);
  const Identity old = *read_identity(dir);
  Identity next = old;
  next.id = "bbbbbbbbbbbbbbbb";
  next.lineage = "cccccccccccccccc";
  next.open_for_messages = false;
  const fs::path renewed = dir.path() / kRenewedCheckpointName;
  ASSERT_TRUE(write_checkpoint(renewed, {next.lineage, 0, 0}, numbers));
  {
    auto journal = reopen();
    ASSERT_TRUE(journal) << journal.error().message;
    EXPECT_EQ((*journal)->id(), id);
    EXPECT_EQ(rows_from(**journal, 0), rows);
    EXPECT_FALSE(fs::exists(renewed));
  }
  ASSERT_TRUE(write_checkpoint(renewed, {next.lineage, 0, 0}, numbers));
  ASSERT_TRUE(write_identity(dir, next));
  fs::remove(segment_files(dir).front());
  auto journal = reopen();
  ASSERT_TRUE(journal) << journal.error().message;
  EXPECT_EQ((*journal)->id(), next.id);
  EXPECT_EQ((*journal)->end(), 0u);
  EXPECT_EQ((*journal)->numbers().last_seq(1), 77u);
  EXPECT_FALSE((*journal)->is_open_for_messages());
}

// --- power cuts: the machine has started anew, and pages that were not flushed are gone ---

TEST_F(RecoveryTest, after_a_power_cut_the_journal_has_a_new_id_even_if_nothing_seems_missing) {
  make(20);
  options.boot_id = "boot-2";
  auto journal = reopen();
  ASSERT_TRUE(journal) << journal.error().message;
  EXPECT_NE((*journal)->id(), id);
  EXPECT_FALSE((*journal)->is_open_for_messages());
  EXPECT_EQ(rows_from(**journal, 0), rows);
  const std::string renewed = (*journal)->id();
  journal->reset();
  EXPECT_EQ((*reopen())->id(), renewed) << "once";
}

TEST_F(RecoveryTest, after_an_orderly_stop_or_with_sync_always_it_keeps_its_id) {
  make(5);
  { ASSERT_TRUE(reopen()); }
  options.boot_id = "boot-2";
  { EXPECT_EQ((*reopen())->id(), id); }
  options.sync = SyncPolicy::always;
  TempFolder copy;
  auto journal = reopen();
  ASSERT_TRUE(journal);
  copy.become(dir);
  options.boot_id = "boot-3";
  EXPECT_EQ((*Journal::open(copy, options))->id(), id);
}

TEST_F(RecoveryTest, a_copy_of_the_folder_gets_a_new_id_and_is_closed_and_the_folder_itself_is_not) {
  options.place.clear();  // the real one
  const TempFolder original, copy;
  const auto open = [&](const fs::path& path) {
    auto journal = Journal::open(path, options);
    if (!journal) throw std::runtime_error(journal.error().message);
    return std::move(*journal);
  };
  {
    const auto journal = open(original);
    ASSERT_TRUE(journal->open_for_messages());
    id = journal->id();
    rows.push_back(next_row(*journal, 1, "hello"));
    ASSERT_TRUE(append(*journal, record_of(rows.back())));
  }
  EXPECT_EQ(open(original)->id(), id);
  copy.become(original);
  {
    const auto journal = open(copy);
    EXPECT_NE(journal->id(), id);
    EXPECT_FALSE(journal->is_open_for_messages());
    EXPECT_EQ(rows_from(*journal, 0), rows);
    ASSERT_TRUE(journal->open_for_messages());
    id = journal->id();
  }
  EXPECT_EQ(open(copy)->id(), id) << "once";
  EXPECT_TRUE(open(copy)->is_open_for_messages());
  const fs::path moved = original.path() / "moved";
  fs::rename(copy.path(), moved);
  EXPECT_EQ(open(moved)->id(), id) << "a move is no copy";
}

TEST_F(RecoveryTest, after_a_power_cut_what_is_behind_a_hole_is_cut_unless_it_was_on_disk) {
  make(20);
  const fs::path path = active();
  const std::string whole = slurp(path);
  options.boot_id = "boot-2";
  for (std::size_t hole = kSegmentHeader; hole < 4000; hole += 200) {
    std::string bytes = whole;
    bytes.replace(hole, 64, std::string(64, '\0'));
    spill(path, bytes);
    auto journal = reopen();
    ASSERT_TRUE(journal) << journal.error().message;
    const std::vector<Row> found = rows_from(**journal, 0);
    EXPECT_EQ(found,
              std::vector<Row>(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(found.size())));
    EXPECT_NE((*journal)->id(), id);
    ASSERT_TRUE(append(**journal, record_of(next_row(**journal, 1))));
    journal->reset();
    dir.become(killed);
  }
  const fs::path full = segment_files(dir).front();
  ASSERT_NE(full, path) << "flushed when it was full";
  edit(full, [](std::string& bytes) { bytes.replace(200, 64, std::string(64, '\0')); });
  expect_corrupt(full.filename().string());
}

TEST_F(RecoveryTest, after_a_power_cut_a_segment_without_its_first_page_ends_the_journal) {
  make(20);
  const fs::path path = active();
  edit(path, [](std::string& bytes) { bytes.replace(44, 1000, std::string(1000, '\0')); });
  expect_corrupt(path.filename().string());
  options.boot_id = "boot-2";
  auto journal = reopen();
  ASSERT_TRUE(journal) << journal.error().message;
  const std::vector<Row> found = rows_from(**journal, 0);
  EXPECT_EQ(found, std::vector<Row>(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(found.size())));
  EXPECT_FALSE(found.empty());
}

// --- a real process, really killed ---

struct Said {
  std::uint64_t room_id, seq;
};

// Writes as fast as it can, acknowledging what lies some way back, and says what was accepted.
[[noreturn]] void write_until_killed(const fs::path& dir, JournalOptions options, int pipe,
                                     std::uint64_t seed) {
  std::mt19937_64 random(seed);
  auto journal = Journal::open(dir, options);
  if (!journal) _exit(1);
  std::deque<Offset> ends;
  for (;;) {
    const Row row = next_row(**journal, 1 + random() % 3, std::string(random() % 700, 'x'));
    const auto done = append(**journal, record_of(row, random() % 5 == 0 ? random() : 0));
    if (!done) _exit(2);
    const Said said{row.room_id, row.seq};
    if (::write(pipe, &said, sizeof said) != sizeof said) _exit(3);
    ends.push_back(*done);
    if (ends.size() > 40) {
      (*journal)->trim(ends.front());
      ends.pop_front();
    }
  }
}

TEST(RecoveryKill, whatever_was_accepted_is_there_after_sigkill_and_numbers_have_no_holes) {
  const std::uint64_t seed = random_seed();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const TempFolder dir;
  FakeDisk disk;
  const JournalOptions options = small_options(&disk);
  std::map<std::uint64_t, std::uint64_t> last;
  for (int round = 0; round < 25; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const std::uint64_t child_seed = random();
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) write_until_killed(dir, options, ends[1], child_seed);
    ::close(ends[1]);
    Said said;
    for (std::uint64_t left = random() % 400; left > 0 && ::read(ends[0], &said, sizeof said) == sizeof said;
         --left) {
      last[said.room_id] = said.seq;
    }
    ::kill(child, SIGKILL);
    while (::read(ends[0], &said, sizeof said) == sizeof said) last[said.room_id] = said.seq;
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << WEXITSTATUS(status);

    auto journal = Journal::open(dir, options);
    ASSERT_TRUE(journal) << journal.error().message;
    std::map<std::uint64_t, std::uint64_t> seen;
    for (const Row& row : rows_from(**journal, (*journal)->start())) {
      if (seen.contains(row.room_id)) {
        ASSERT_EQ(row.seq, seen[row.room_id] + 1);
      }
      seen[row.room_id] = row.seq;
    }
    for (auto& [room_id, seq] : last) {
      const std::uint64_t now = (*journal)->numbers().last_seq(room_id);
      ASSERT_TRUE(now == seq || now == seq + 1) << "room " << room_id << ": " << now << " after " << seq;
      if (seen.contains(room_id)) {
        ASSERT_EQ(seen[room_id], now);
      }
      seq = now;
    }
  }
}

}  // namespace
}  // namespace parley::plugin
