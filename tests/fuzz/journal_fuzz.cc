#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/crc32c.h"
#include "plugin/journal/checkpoint.h"
#include "plugin/journal/journal.h"
#include "plugin/journal/journal_testing.h"
#include "wire/bytes.h"

// Recovery from any bytes: the first says what is mended, then a checkpoint and a segment share the rest. Whatever open() takes must be
// readable, and must take and keep one more record.
namespace {

using namespace parley;                   // NOLINT
using namespace parley::plugin;           // NOLINT
using namespace parley::plugin::testing;  // NOLINT

constexpr std::size_t kSegment = 4096;

std::uint32_t crc(std::string_view bytes) {
  return crc32c(std::as_bytes(std::span(bytes)));
}

void put_crc(std::string& file, std::size_t at, std::string_view of) {
  wire::put_le(file.data() + at, crc(of));
}

// Makes checksums right, so that what lies behind them is reached too.
void mend_checkpoint(std::string& file) {
  if (file.size() < 64) return;
  file.replace(0, 8, std::string_view("PJCP\1\0\0\0", 8));
  file.replace(8, kJournalIdChars, std::string(kJournalIdChars, 'a'));
  put_crc(file, 56, std::string_view(file).substr(64));
  put_crc(file, 60, std::string_view(file).substr(0, 60));
}

void mend_segment(std::string& file, std::uint64_t base) {
  file.resize(kSegment);
  file.replace(0, 8, std::string_view("PJSG\1\0\0\0", 8));
  file.replace(8, kJournalIdChars, std::string(kJournalIdChars, 'a'));
  wire::put_le(file.data() + 24, base);
  wire::put_le(file.data() + 32, std::uint64_t{kSegment - kSegmentHeader});
  put_crc(file, 40, std::string_view(file).substr(0, 40));
  put_crc(file, 44, std::string_view(file).substr(48, 8));
}

void mend_records(std::string& file) {
  for (std::size_t at = kSegmentHeader; at < file.size();) {
    const std::string_view rest = std::string_view(file).substr(at);
    const std::size_t extent = record_extent(rest);
    if (extent == 0) return;
    const std::size_t length = wire::get_le<std::uint32_t>(rest.data());
    wire::put_le(file.data() + at + 4,
                 crc32c(std::as_bytes(std::span(rest.substr(8, length))), crc(rest.substr(0, 4))));
    at += extent;
  }
}

// A segment of sound records, on which the bytes are edits: u16 where, u8 how many, then what to write there.
std::string edited_segment(std::uint64_t base, std::string_view edits) {
  std::string file;
  mend_segment(file, base);
  std::size_t at = kSegmentHeader;
  for (std::uint64_t n = 1; n <= 20; ++n) {
    const Row row{1 + n % 3, 1 + n / 3, std::string(n * 7 % 60, 'x')};
    wire::write_record(record_of(row, n % 2), file.data() + at);
    at += wire::record_size(record_of(row));
  }
  while (edits.size() >= 3) {
    const std::size_t where = wire::get_le<std::uint16_t>(edits.data()) % kSegment;
    const std::size_t count =
        std::min<std::size_t>({static_cast<unsigned char>(edits[2]), edits.size() - 3, kSegment - where});
    file.replace(where, count, edits.substr(3, count));
    edits.remove_prefix(3 + count);
  }
  return file;
}

void use(Journal& journal) {
  const std::vector<Row> before = rows_from(journal, journal.start());
  Offset end = journal.end();
  for (Offset at = journal.start(); at <= end; at += 8) (void)journal.is_boundary(at);
  const Row row{7, journal.numbers().last_seq(7) + 1, "{}"};
  const auto done = append(journal, record_of(row, 1));
  if (!done) return;
  std::vector<Row> expected = before;
  expected.push_back(row);
  if (rows_from(journal, journal.start()) != expected) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  static const TempFolder dir;
  static FakeDisk disk;
  const std::uint8_t mends = data[0];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 3, size - 3);
  const std::size_t split = std::min<std::size_t>(bytes.size(), data[1] + 256u * (data[2] % 16));
  std::string checkpoint(bytes.substr(0, split)), segment(bytes.substr(split));
  std::uint64_t base = 0;
  if (mends & 1) mend_checkpoint(checkpoint);
  if ((mends & 1) && checkpoint.size() >= 64) base = wire::get_le<std::uint64_t>(checkpoint.data() + 24);
  if (mends & 32) segment = edited_segment(base, segment);
  if (mends & 2) mend_segment(segment, base);
  if (mends & 4) mend_records(segment);

  for (const auto& entry : std::filesystem::directory_iterator(dir.path()))
    std::filesystem::remove(entry.path());
  Identity identity{
      std::string(kJournalIdChars, 'a'), std::string(kJournalIdChars, 'a'), true, true, true, "boot-1"};
  if (!write_identity(dir, identity)) return 0;
  if (!checkpoint.empty())
    spill(dir.path() / ((mends & 8) ? kRenewedCheckpointName : kCheckpointName), checkpoint);
  spill(dir.path() / Segment::file_name(base), segment);
  JournalOptions options = small_options(&disk);
  options.spare_segments = 1;
  if (mends & 16) options.boot_id = "boot-2";
  auto journal = Journal::open(dir, options);
  if (journal) use(**journal);
  return 0;
}
