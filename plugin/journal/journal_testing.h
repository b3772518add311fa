#pragma once
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "plugin/journal/journal.h"
#include "plugin/journal/scan.h"
#include "wire/record.h"

// What the tests of journal and feed share.
namespace parley::plugin::testing {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

inline constexpr milliseconds kBound{20'000};  // for conditions that another thread brings about

// A folder of its own, in memory where there is /dev/shm; removed with the object.
class TempFolder {
 public:
  TempFolder() {
    std::error_code error;
    const fs::path parent =
        fs::is_directory("/dev/shm", error) ? fs::path("/dev/shm") : fs::temp_directory_path();
    std::string name = (parent / "parley-journal-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const fs::path& path() const { return path_; }
  operator const fs::path&() const { return path_; }  // NOLINT: it is one

  // Puts the files of `from` in the place of what is here.
  void become(const fs::path& from) const {
    for (const auto& entry : fs::directory_iterator(path_)) fs::remove_all(entry.path());
    fs::copy(from, path_, fs::copy_options::recursive);
  }

 private:
  fs::path path_;
};

// A disk that is as full, or as broken, as the test says. Flushes nothing.
class FakeDisk final : public Disk {
 public:
  int allocate(int fd, std::uint64_t bytes) override {
    ++allocations;
    if (full) return ENOSPC;
    return ::ftruncate(fd, static_cast<off_t>(bytes)) == 0 ? 0 : errno;
  }
  int sync_file(int) override { return 0; }
  int sync_range(const void*, std::size_t) override {
    ++flushes;
    return flush_error;
  }

  std::atomic<bool> full{false};
  std::atomic<int> flush_error{0};
  std::atomic<int> allocations{0}, flushes{0};
};

inline JournalOptions small_options(Disk* disk) {
  JournalOptions options;
  options.segment_bytes = 4096;
  options.retry_min = milliseconds(1);
  options.retry_max = milliseconds(4);
  options.disk = disk;
  options.boot_id = "boot-1";
  options.place = "here";  // also in a copy: as if the whole file system had been put back
  return options;
}

inline wire::RefHash ref_of(std::uint64_t n) {
  return n == 0 ? wire::kNoRef : wire::ref_hash(1, "alice", std::to_string(n), false);
}

struct Row {
  std::uint64_t room_id = 0, seq = 0;
  std::string envelope;
  auto operator<=>(const Row&) const = default;
};

// Holds views into `row`, which must outlive it.
inline wire::Record record_of(const Row& row, std::uint64_t ref = 0, std::int64_t at_ms = 1'795'314'673'123) {
  wire::Record record;
  record.room_id = row.room_id;
  record.seq = row.seq;
  record.at_ms = at_ms;
  record.ref_hash = ref_of(ref);
  record.room = "lab";
  record.from = "alice";
  record.type = "text";
  record.envelope = row.envelope;
  return record;
}

// Appends, waiting for the journal's thread when segments this small run out.
inline std::expected<Offset, AppendError> append(Journal& journal, const wire::Record& record) {
  auto done = journal.append(record);
  if (!done && done.error() == AppendError::no_space && journal.settle(kBound)) done = journal.append(record);
  return done;
}

inline Row next_row(const Journal& journal, std::uint64_t room_id, std::string envelope = "{}") {
  return {room_id, journal.numbers().last_seq(room_id) + 1, std::move(envelope)};
}

inline std::vector<Row> rows_of(std::string_view records) {
  std::vector<Row> rows;
  scan_records(records, [&](const wire::Record& r) {
    rows.push_back({r.room_id, r.seq, std::string(r.envelope)});
  });
  return rows;
}

// Everything from `from` on, run by run.
inline std::vector<Row> rows_from(const Journal& journal, Offset from, std::size_t max_bytes = 1000) {
  std::vector<Row> rows;
  while (from != journal.end()) {
    const Result<JournalRun> run = journal.read(from, max_bytes);
    if (!run || run->count == 0) break;
    const std::vector<Row> some = rows_of(run->bytes);
    rows.insert(rows.end(), some.begin(), some.end());
    from = run->to;
  }
  return rows;
}

inline std::string slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void spill(const fs::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

inline std::vector<fs::path> segment_files(const fs::path& dir) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(dir)) {
    if (Segment::base_of(entry.path().filename().string())) paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  return paths;
}

// PARLEY_SEED repeats a run.
inline std::uint64_t random_seed() {
  const char* given = std::getenv("PARLEY_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
}

}  // namespace parley::plugin::testing
