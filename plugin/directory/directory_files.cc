#include "plugin/directory/directory_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "plugin/directory/frames.h"
#include "wire/bytes.h"

namespace parley::plugin {
namespace {

constexpr std::string_view kMagic = "PDIR";
constexpr char kFormat = 1;
constexpr std::size_t kHeaderFixed = 4 + 1 + 1 + 8 + 8;
constexpr std::string_view kLogPrefix = "log.";

std::unexpected<Error> corrupt(std::string message) {
  return fail(Errc::corrupt, std::move(message));
}

// Why a file that should go on does not.
std::unexpected<Error> not_a_frame(FrameReader::State state, const FrameReader& reader) {
  if (state == FrameReader::State::unreadable)
    return fail(Errc::unavailable, errno_error("Can't read", "").message);
  const bool ended = state == FrameReader::State::end || state == FrameReader::State::torn;
  return corrupt((ended ? "It ends too early, at byte " : "It is damaged at byte ") +
                 std::to_string(reader.offset()) + ".");
}

Result<std::uint64_t> apply_all(Directory& directory, std::string_view changes) {
  Effects effects;
  std::uint64_t count = 0;
  for (; !changes.empty(); ++count) {
    const auto change = wire::read_change(changes);
    if (!change) return std::unexpected(change.error());
    if (auto ok = directory.apply(*change, effects); !ok) return corrupt(ok.error().message);
    effects.clear();
  }
  return count;
}

Result<FileHeader> first_frame(FrameReader& reader, char kind) {
  std::string_view payload;
  const auto state = reader.next(payload);
  if (state != FrameReader::State::frame) return not_a_frame(state, reader);
  auto header = parse_header(payload);
  if (header && header->kind != kind) return corrupt("It is a file of the other kind.");
  return header;
}

Result<Fd> open_file(const std::filesystem::path& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return std::unexpected(errno_error("Can't open", path));
  return fd;
}

// The same error, saying of which file.
Error in_file(const std::filesystem::path& path, const Error& error) {
  return {error.code, path.string() + ": " + error.message};
}

std::uint64_t file_bytes(const Fd& fd) {
  struct stat status {};
  return ::fstat(fd.get(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

std::optional<std::uint64_t> log_number(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  if (!name.starts_with(kLogPrefix)) return std::nullopt;
  std::uint64_t number = 0;
  const char* end = name.data() + name.size();
  const auto [at, error] = std::from_chars(name.data() + kLogPrefix.size(), end, number);
  if (error != std::errc{} || at != end) return std::nullopt;
  return number;
}

std::vector<std::uint64_t> log_numbers(const std::filesystem::path& dir) {
  std::vector<std::uint64_t> numbers;
  std::error_code error;
  for (auto it = std::filesystem::directory_iterator(dir, error);
       !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    if (const auto number = log_number(it->path())) numbers.push_back(*number);
  }
  return numbers;
}

// Reads log `loaded.last_log` and goes on to the next; false when it is not there.
Result<bool> load_log(const std::filesystem::path& dir, std::uint64_t number, Directory& directory,
                      LoadedFiles& loaded) {
  const auto path = log_path(dir, number);
  const auto fd = open_file(path);
  if (!fd && fd.error().code == Errc::not_found) return false;
  if (!fd) return std::unexpected(fd.error());
  const FileHeader expected{'L', loaded.version, number, loaded.id};
  std::uint64_t good_bytes = 0;
  if (auto ok = read_log(*fd, expected, directory, loaded.version, good_bytes); !ok) {
    return std::unexpected(in_file(path, ok.error()));
  }
  loaded.last_log = number;
  loaded.last_log_bytes = good_bytes;
  loaded.log_bytes += good_bytes;
  return true;
}

}  // namespace

std::string format_header(const FileHeader& header) {
  std::string out(kMagic);
  out += kFormat;
  out += header.kind;
  wire::append_le(out, header.version);
  wire::append_le(out, header.number);
  return out += header.id;
}

Result<FileHeader> parse_header(std::string_view payload) {
  if (payload.size() <= kHeaderFixed || payload.size() > kHeaderFixed + kDirectoryIdMax ||
      !payload.starts_with(kMagic)) {
    return corrupt("It does not begin as a Directory's file.");
  }
  if (payload[4] != kFormat) return corrupt("It is of a format this version does not know.");
  return FileHeader{payload[5], wire::get_le<std::uint64_t>(payload.data() + 6),
                    wire::get_le<std::uint64_t>(payload.data() + 14),
                    std::string(payload.substr(kHeaderFixed))};
}

std::filesystem::path snapshot_path(const std::filesystem::path& dir) {
  return dir / "snapshot";
}

std::filesystem::path log_path(const std::filesystem::path& dir, std::uint64_t number) {
  return dir / (std::string(kLogPrefix) + std::to_string(number));
}

Result<FileHeader> read_snapshot(const Fd& fd, Directory& directory) {
  FrameReader reader(fd.get());
  auto header = first_frame(reader, 'S');
  if (!header) return header;
  std::uint64_t count = 0;
  std::string_view payload;
  for (;;) {
    const auto state = reader.next(payload);
    if (state != FrameReader::State::frame) return not_a_frame(state, reader);
    if (payload.starts_with('E')) break;
    if (!payload.starts_with('C')) return corrupt("It holds a frame of unknown kind.");
    const auto applied = apply_all(directory, payload.substr(1));
    if (!applied) return std::unexpected(applied.error());
    count += *applied;
  }
  if (payload.size() != 9 || wire::get_le<std::uint64_t>(payload.data() + 1) != count) {
    return corrupt("It does not hold as many changes as it says.");
  }
  if (reader.next(payload) != FrameReader::State::end) return corrupt("Something follows its end.");
  return header;
}

Result<> read_log(const Fd& fd, const FileHeader& expected, Directory& directory, std::uint64_t& version,
                  std::uint64_t& good_bytes) {
  FrameReader reader(fd.get());
  std::string_view payload;
  good_bytes = 0;
  auto state = reader.next(payload);
  if (state == FrameReader::State::frame) {
    const auto header = parse_header(payload);
    if (!header) return std::unexpected(header.error());
    if (header->kind != 'L' || header->id != expected.id || header->number != expected.number ||
        header->version != expected.version) {
      return corrupt("It does not go on where the file before it ended.");
    }
    good_bytes = reader.offset();
    while ((state = reader.next(payload)) == FrameReader::State::frame) {
      if (payload.size() < 8) return corrupt("It holds a frame without a version.");
      const auto to = wire::get_le<std::uint64_t>(payload.data());
      if (to <= version) return corrupt("Its versions do not go up.");
      if (auto ok = apply_all(directory, payload.substr(8)); !ok) return std::unexpected(ok.error());
      version = to;
      good_bytes = reader.offset();
    }
  }
  const bool ends = state == FrameReader::State::end || state == FrameReader::State::torn;
  if (!ends) return not_a_frame(state, reader);
  return {};
}

Result<LoadedFiles> load_files(const std::filesystem::path& dir, Directory& directory,
                               std::uint64_t log_end) {
  LoadedFiles loaded;
  const auto snapshot = open_file(snapshot_path(dir));
  const std::uint64_t largest = largest_log_number(dir);
  if (!snapshot) {
    if (snapshot.error().code != Errc::not_found) return std::unexpected(snapshot.error());
    if (largest != 0) return corrupt(dir.string() + " holds logs, but no snapshot they go on from.");
    return loaded;
  }
  const auto header = read_snapshot(*snapshot, directory);
  if (!header) return std::unexpected(in_file(snapshot_path(dir), header.error()));
  loaded.id = header->id;
  loaded.version = header->version;
  loaded.first_log = loaded.last_log = header->number;
  loaded.snapshot_bytes = file_bytes(*snapshot);
  std::uint64_t number = header->number;
  for (; number < log_end; ++number) {
    const auto there = load_log(dir, number, directory, loaded);
    if (!there) return std::unexpected(there.error());
    if (!*there) break;
  }
  if (number <= largest && number < log_end) return corrupt(log_path(dir, number).string() + " is missing.");
  return loaded;
}

std::uint64_t largest_log_number(const std::filesystem::path& dir) {
  std::uint64_t largest = 0;
  for (const std::uint64_t number : log_numbers(dir)) largest = std::max(largest, number);
  return largest;
}

void remove_logs_below(const std::filesystem::path& dir, std::uint64_t first_log) {
  std::error_code ignored;  // a left-over does no harm
  for (const std::uint64_t number : log_numbers(dir)) {
    if (number < first_log) std::filesystem::remove(log_path(dir, number), ignored);
  }
}

}  // namespace parley::plugin
