#include "plugin/journal/checkpoint.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "plugin/journal/fold.h"
#include "plugin/journal/journal_testing.h"

namespace parley::plugin {
namespace {

using namespace testing;  // NOLINT: the tests' own

const std::string kLineage = "abcdefghijklmnop";
constexpr milliseconds kWindow{1000};

std::vector<std::pair<std::uint64_t, std::uint64_t>> rooms_in(const Numbers& numbers) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> rooms;
  numbers.rooms().for_each([&](std::uint64_t room, std::uint64_t last) { rooms.emplace_back(room, last); });
  std::ranges::sort(rooms);
  return rooms;
}

std::vector<std::tuple<std::string, std::uint64_t, std::int64_t>> refs_in(const Numbers& numbers) {
  std::vector<std::tuple<std::string, std::uint64_t, std::int64_t>> refs;
  numbers.refs().for_each([&](const UsedRef& r) {
    refs.emplace_back(std::string(r.hash.begin(), r.hash.end()), r.seq, r.at_ms);
  });
  return refs;
}

TEST(Checkpoint, what_was_written_is_read) {
  const TempFolder dir;
  Numbers numbers(kWindow, 100);
  for (std::uint64_t n = 1; n <= 50; ++n)
    numbers.apply(record_of({n * 7919, n, "{}"}, n % 3, 1000 + static_cast<std::int64_t>(n)));
  const CheckpointInfo info{kLineage, 4096, numbers.refs().clock_ms()};
  const auto bytes = write_checkpoint(dir.path() / kCheckpointName, info, numbers);
  ASSERT_TRUE(bytes) << bytes.error().message;
  const auto read = Checkpoint::open(dir.path() / kCheckpointName);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->bytes(), *bytes);
  EXPECT_EQ(read->info().lineage, kLineage);
  EXPECT_EQ(read->info().covers, 4096u);
  Numbers loaded(kWindow, 100);
  read->load(loaded);
  EXPECT_EQ(rooms_in(loaded), rooms_in(numbers));
  EXPECT_EQ(refs_in(loaded), refs_in(numbers));
  EXPECT_EQ(loaded.refs().clock_ms(), numbers.refs().clock_ms());
}

TEST(Checkpoint, every_changed_bit_and_every_missing_byte_is_noticed) {
  const TempFolder dir;
  const fs::path path = dir.path() / kCheckpointName;
  Numbers numbers(kWindow, 100);
  numbers.apply(record_of({5, 1, "{}"}, 1, 1000));
  numbers.apply(record_of({6, 2, "{}"}, 2, 1000));
  ASSERT_TRUE(write_checkpoint(path, {kLineage, 0, 1000}, numbers));
  const std::string whole = slurp(path);
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    spill(path, bytes);
    ASSERT_EQ(Checkpoint::open(path).error().code, Errc::corrupt) << "bit " << bit;
  }
  for (std::size_t size = 0; size < whole.size(); ++size) {
    spill(path, whole.substr(0, size));
    ASSERT_EQ(Checkpoint::open(path).error().code, Errc::corrupt) << "size " << size;
  }
}

// Found by the fuzzer: sound checksums over an offset beyond which nothing can be counted.
TEST(Checkpoint, an_offset_that_no_journal_reaches_is_damage) {
  const TempFolder dir;
  const fs::path path = dir.path() / kCheckpointName;
  const Numbers numbers(kWindow, 100);
  ASSERT_TRUE(write_checkpoint(path, {kLineage, kOffsetMax, 1000}, numbers));
  EXPECT_TRUE(Checkpoint::open(path));
  ASSERT_TRUE(write_checkpoint(path, {kLineage, kOffsetMax + 8, 1000}, numbers));
  EXPECT_EQ(Checkpoint::open(path).error().code, Errc::corrupt);

  FakeDisk disk;
  for (const auto base : {kOffsetMax, kOffsetMax + 8}) {
    const auto segment = Segment::create(dir.path(), kLineage, base, 4096, disk);
    ASSERT_TRUE(segment) << segment.error().message;
    const auto opened = Segment::open((*segment)->path(), MappedFile::Access::read);
    EXPECT_EQ(opened.has_value(), base == kOffsetMax);
  }
}

TEST(Checkpoint, one_that_was_not_finished_leaves_the_old_one) {
  const TempFolder dir;
  const fs::path path = dir.path() / kCheckpointName;
  ASSERT_TRUE(write_checkpoint(path, {kLineage, 0, 0}, Numbers(kWindow, 1)));
  const std::string before = slurp(path);
  {
    auto writer = CheckpointWriter::create(path, {kLineage, 8, 0});
    ASSERT_TRUE(writer);
    const RoomLast room{1, 1};
    ASSERT_TRUE(writer->add(std::span(&room, 1)));
  }
  EXPECT_EQ(slurp(path), before);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), {}), 1) << "the unfinished one is removed";
}

// Segments with random records, folded a few at a time, end in the numbers that applying them one by one gives.
TEST(Fold, is_the_same_as_applying_every_record) {
  const std::uint64_t seed = random_seed();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const TempFolder dir;
  FakeDisk disk;
  constexpr std::size_t kRefMax = 60;
  Numbers numbers(kWindow, kRefMax);
  std::int64_t now = 1'000'000;
  std::uint64_t base = 0;
  for (int round = 0; round < 20; ++round) {
    FoldJob job{dir.path(), kLineage, {}, {}, kWindow, kRefMax};
    for (std::uint64_t i = 0; i <= random() % 3; ++i) {
      auto segment = Segment::create(dir.path(), kLineage, base, 4096, disk);
      ASSERT_TRUE(segment);
      base = (*segment)->next_base();
      for (;;) {
        now += static_cast<std::int64_t>(random() % 60) - 10;
        const std::uint64_t room = 1 + random() % 40;
        const Row row{room, numbers.last_seq(room) + 1, "{}"};
        const wire::Record record = record_of(row, random() % 500, now);
        const std::uint64_t used = (*segment)->used();
        if (used + wire::record_size(record) > (*segment)->capacity()) break;
        wire::write_record(record, (*segment)->records() + used);
        (*segment)->set_used(used + wire::record_size(record));
        numbers.apply(record);
      }
      job.segments.push_back(*segment);
    }
    const auto folded = fold(job);
    ASSERT_TRUE(folded) << folded.error().message;
    const auto checkpoint = Checkpoint::open(dir.path() / kCheckpointName);
    ASSERT_TRUE(checkpoint);
    ASSERT_EQ(checkpoint->info().covers, base);
    Numbers loaded(kWindow, kRefMax);
    checkpoint->load(loaded);
    ASSERT_EQ(rooms_in(loaded), rooms_in(numbers));
    for (std::uint64_t ref = 1; ref < 500; ++ref) {
      ASSERT_EQ(loaded.find_ref(ref_of(ref), from_ms(now)), numbers.find_ref(ref_of(ref), from_ms(now)))
          << "ref " << ref;
    }
  }
}

TEST(Fold, leaves_forgotten_rooms_out) {
  const TempFolder dir;
  FakeDisk disk;
  ASSERT_TRUE([&] {
    Numbers numbers(kWindow, 1);
    numbers.raise(1, 1);
    numbers.raise(2, 1);
    return write_checkpoint(dir.path() / kCheckpointName, {kLineage, 0, 0}, numbers);
  }());
  auto segment = Segment::create(dir.path(), kLineage, 0, 4096, disk);
  ASSERT_TRUE(segment);
  const Row row{3, 1, "{}"};
  const wire::Record record = record_of(row);
  wire::write_record(record, (*segment)->records());
  (*segment)->set_used(wire::record_size(record));
  ASSERT_TRUE(fold({dir.path(), kLineage, {*segment}, {2, 3}, kWindow, 10}));
  const auto checkpoint = Checkpoint::open(dir.path() / kCheckpointName);
  ASSERT_TRUE(checkpoint);
  ASSERT_EQ(checkpoint->rooms().size(), 1u);
  EXPECT_EQ(checkpoint->rooms()[0].room_id, 1u);
}

TEST(Fold, refuses_a_damaged_segment_and_a_checkpoint_of_elsewhere) {
  const TempFolder dir;
  FakeDisk disk;
  auto segment = Segment::create(dir.path(), kLineage, 4032, 4096, disk);
  ASSERT_TRUE(segment);
  (*segment)->set_used(80);
  EXPECT_EQ(fold({dir.path(), kLineage, {*segment}, {}, kWindow, 10}).error().code, Errc::corrupt);
  (*segment)->set_used(0);
  ASSERT_TRUE(write_checkpoint(dir.path() / kCheckpointName, {kLineage, 8, 0}, Numbers(kWindow, 1)));
  EXPECT_EQ(fold({dir.path(), kLineage, {*segment}, {}, kWindow, 10}).error().code, Errc::corrupt);
}

}  // namespace
}  // namespace parley::plugin
