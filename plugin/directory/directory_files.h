#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/result.h"
#include "plugin/directory/directory.h"

namespace parley::plugin {

// The Directory's folder:
//
//   snapshot         the whole Directory at some version, and which log goes on from there
//   log.N            the changes after it, by their numbers; each log goes on where the one before ended
//   snapshot.new     a snapshot on its way: of no account until it is renamed to `snapshot`
//   replacement.new  the same, coming from the backend in parts
//   lock             held (flock) by the broker that uses the folder
//
// Logs below the snapshot's first are left-overs. All files are runs of frames (frames.h), integers
// little-endian. The first frame of each:
//
//   "PDIR"  u8 format (1)  u8 kind ('S' snapshot, 'L' log)  u64 version  u64 number  id (to the end)
//
// where version is the snapshot's, or the one a log begins at; number is the snapshot's first log, or the
// log's own; id is the Directory's. Changes are as wire::append_change writes them. What follows in a
// snapshot:
//
//   'C' changes             as many frames as it takes
//   'E' u64 count           of all changes; last. A snapshot without it is not whole
//
// and in a log:
//
//   u64 version, changes    a frame for each version, so that it is there whole or not at all
//
// Crash points: a snapshot is synced before its rename, so `snapshot` is whole or the one before; logs go
// only after that. A log's torn end is what a killed broker was about to write: it is cut, and was
// acknowledged to nobody. A log whose beginning is not the version reached is a hole: corrupt.
struct FileHeader {
  char kind = 'S';
  std::uint64_t version = 0;
  std::uint64_t number = 0;
  std::string id;
};
std::string format_header(const FileHeader& header);
Result<FileHeader> parse_header(std::string_view payload);  // corrupt

inline constexpr std::size_t kDirectoryIdMax = 64;

std::filesystem::path snapshot_path(const std::filesystem::path& dir);
std::filesystem::path log_path(const std::filesystem::path& dir, std::uint64_t number);

// What a folder was found to hold.
struct LoadedFiles {
  std::string id;  // "" when there is no snapshot
  std::uint64_t version = 0;
  std::uint64_t first_log = 1;       // the snapshot's
  std::uint64_t last_log = 1;        // takes the next changes; its file may be missing
  std::uint64_t last_log_bytes = 0;  // of it that count: cut it to this length before appending; 0: no file
  std::uint64_t log_bytes = 0;       // of all logs
  std::uint64_t snapshot_bytes = 0;
};

// Reads `snapshot`, then the logs below `log_end`, into the empty `directory`. Changes nothing on disk.
// corrupt: something is not as it was written, and the sentence says what; `directory` is then of no use.
// unavailable, permission_denied: can't be read.
Result<LoadedFiles> load_files(const std::filesystem::path& dir, Directory& directory,
                               std::uint64_t log_end = UINT64_MAX);
// One file of the kind `read_snapshot` or `read_log`, from the beginning of `fd`.
Result<FileHeader> read_snapshot(const Fd& fd, Directory& directory);
// `version` is moved along. `good_bytes`: how much of the file counts (0: not even its header).
Result<> read_log(const Fd& fd, const FileHeader& expected, Directory& directory, std::uint64_t& version,
                  std::uint64_t& good_bytes);

// The largest N of any log.N in the folder; 0 when there is none.
std::uint64_t largest_log_number(const std::filesystem::path& dir);
// Removes logs below `first_log`.
void remove_logs_below(const std::filesystem::path& dir, std::uint64_t first_log);

}  // namespace parley::plugin
