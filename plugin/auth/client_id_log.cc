#include "plugin/auth/client_id_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <concepts>
#include <optional>
#include <span>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "base/crc32c.h"
#include "base/encoding.h"
#include "wire/bytes.h"

namespace parley::plugin {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "PLYCID1\n";
constexpr std::string_view kNameStart = "client_ids.";
constexpr std::size_t kFrame = 8;
constexpr std::size_t kBodyMax = 1024;
constexpr std::size_t kFileMax = 1 << 30;
enum Kind : char { kHeld = 1, kDropped = 2 };

using State = std::unordered_map<std::string, ClientIdLog::Held>;  // by folded id

template <std::unsigned_integral Int>
bool take_int(std::string_view& in, Int& value) {
  if (in.size() < sizeof(value)) return false;
  value = wire::get_le<Int>(in.data());
  in.remove_prefix(sizeof(value));
  return true;
}

bool take_text(std::string_view& in, std::size_t size, std::string& text) {
  if (in.size() < size) return false;
  text = in.substr(0, size);
  in.remove_prefix(size);
  return true;
}

std::uint32_t checksum(std::string_view length, std::string_view body) {
  std::uint32_t crc = crc32c(std::as_bytes(std::span(length)));
  return crc32c(std::as_bytes(std::span(body)), crc);
}

std::string framed(std::string_view body) {
  std::string record;
  wire::append_le(record, static_cast<std::uint32_t>(body.size()));
  wire::append_le(record, checksum(record, body));
  record.append(body);
  return record;
}

std::string held_record(const ClientIdLog::Held& held) {
  std::string body(1, kHeld);
  wire::append_le(body, static_cast<std::uint64_t>(held.since_ms));
  wire::append_le(body, static_cast<std::uint8_t>(held.id.size()));
  wire::append_le(body, static_cast<std::uint8_t>(held.user.size()));
  return framed(body + held.id + held.user);
}

std::string dropped_record(std::string_view id) {
  std::string body(1, kDropped);
  wire::append_le(body, static_cast<std::uint8_t>(id.size()));
  return framed(body.append(id));
}

// The body of the record at the front of `in`, taken off it; nullopt when there is no whole one.
std::optional<std::string_view> take_record(std::string_view& in) {
  if (in.size() < kFrame) return std::nullopt;
  std::string_view rest = in;
  std::uint32_t length = 0, crc = 0;
  take_int(rest, length);
  take_int(rest, crc);
  if (length == 0 || length > kBodyMax || length > rest.size()) return std::nullopt;
  std::string_view body = rest.substr(0, length);
  if (checksum(in.substr(0, sizeof(length)), body) != crc) return std::nullopt;
  in.remove_prefix(kFrame + length);
  return body;
}

bool apply(std::string_view body, State& state) {
  std::uint8_t kind = 0, id_size = 0, user_size = 0;
  std::uint64_t since_ms = 0;
  ClientIdLog::Held held;
  if (!take_int(body, kind)) return false;
  if (kind == kDropped) {
    if (!take_int(body, id_size) || !take_text(body, id_size, held.id) || !body.empty()) return false;
    state.erase(fold_case(held.id));
    return true;
  }
  if (kind != kHeld || !take_int(body, since_ms) || !take_int(body, id_size) || !take_int(body, user_size) ||
      !take_text(body, id_size, held.id) || !take_text(body, user_size, held.user) || !body.empty()) {
    return false;
  }
  held.since_ms = static_cast<std::int64_t>(since_ms);
  std::string key = fold_case(held.id);
  state.insert_or_assign(std::move(key), std::move(held));
  return true;
}

// A power loss can leave a begun file empty, short, or zeros.
bool is_begun_header(std::string_view text) {
  std::string_view head = text.substr(0, kMagic.size());
  return head == kMagic.substr(0, head.size()) || std::ranges::all_of(text, [](char c) { return c == '\0'; });
}

// Bytes that could not be read; corrupt when the file was never ours.
Result<std::uint64_t> replay(const fs::path& path, State& state) {
  Result<std::string> text = read_file(path, kFileMax);
  if (!text) return std::unexpected(text.error());
  std::string_view in = *text;
  if (!in.starts_with(kMagic)) {
    if (is_begun_header(in)) return in.size();
    return fail(Errc::corrupt, path.string() + " is no log of client ids");
  }
  in.remove_prefix(kMagic.size());
  while (!in.empty()) {
    std::string_view before = in;
    auto body = take_record(in);
    if (!body || !apply(*body, state)) return before.size();
  }
  return 0;
}

std::optional<std::uint64_t> generation_of(const fs::path& path) {
  std::string name = path.filename().string();
  if (!name.starts_with(kNameStart)) return std::nullopt;
  std::uint64_t number = 0;
  const char* end = name.data() + name.size();
  auto [stop, error] = std::from_chars(name.data() + kNameStart.size(), end, number);
  if (error != std::errc{} || stop != end || number == 0) return std::nullopt;
  return number;
}

fs::path path_of(const fs::path& dir, std::uint64_t generation) {
  return dir / (std::string(kNameStart) + std::to_string(generation));
}

Result<std::vector<std::uint64_t>> generations(const fs::path& dir) {
  std::error_code error;
  std::vector<std::uint64_t> found;
  for (fs::directory_iterator it(dir, error), end; !error && it != end; it.increment(error)) {
    if (auto number = generation_of(it->path())) found.push_back(*number);
  }
  if (error) return fail(Errc::unavailable, "can't list " + dir.string() + ": " + error.message());
  std::ranges::sort(found);
  return found;
}

void remove_files(const fs::path& dir, std::uint64_t from, std::uint64_t to) {
  for (std::uint64_t generation = from; generation < to; ++generation) {
    ::unlink(
        path_of(dir, generation).c_str());  // one left over is read again, and is older than what follows
  }
}

Result<> write_compacted(const fs::path& path, const State& state) {
  std::string text(kMagic);
  for (const auto& [key, held] : state) text += held_record(held);
  return write_file_atomic(path, text);
}

}  // namespace

ClientIdLog::ClientIdLog(fs::path dir, std::uint64_t generation)
    : dir_(std::move(dir)), oldest_(generation), complete_(generation), newest_(generation) {}

Result<ClientIdLog::Opened> ClientIdLog::open(const fs::path& dir, WallTime now) {
  std::error_code error;
  fs::create_directory(dir, error);
  if (error) return fail(Errc::unavailable, "can't make " + dir.string() + ": " + error.message());
  auto found = generations(dir);
  if (!found) return std::unexpected(found.error());
  State state;
  Opened opened;
  for (std::uint64_t generation : *found) {
    auto cut = replay(path_of(dir, generation), state);
    if (!cut) return std::unexpected(cut.error());
    opened.cut_bytes += *cut;
  }
  for (auto& [key, held] : state) {
    if (held.since_ms == 0) held.since_ms = to_ms(now);
  }
  std::uint64_t next = found->empty() ? 1 : found->back() + 1;
  if (auto written = write_compacted(path_of(dir, next), state); !written) {
    return std::unexpected(written.error());
  }
  if (!found->empty()) remove_files(dir, found->front(), next);
  opened.log.reset(new ClientIdLog(dir, next));
  if (auto ready = opened.log->open_newest(); !ready) return std::unexpected(ready.error());
  opened.log->compacted_ = opened.log->size_;
  for (auto& [key, held] : state) opened.held.push_back(std::move(held));
  return opened;
}

Result<> ClientIdLog::open_newest() {
  fs::path path = path_of(dir_, newest_);
  Fd file{::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC)};
  if (!file) return std::unexpected(errno_error("can't open", path));
  off_t size = ::lseek(file.get(), 0, SEEK_END);
  if (size < 0) return std::unexpected(errno_error("can't seek", path));
  file_ = std::move(file);
  size_ = static_cast<std::uint64_t>(size);
  return {};
}

Result<> ClientIdLog::put(const Held& held) {
  return append(held_record(held));
}

Result<> ClientIdLog::drop(std::string_view id) {
  return append(dropped_record(id));
}

Result<> ClientIdLog::append(std::string_view record) {
  Result<> done = append_all(file_, record);
  if (done) size_ += record.size();
  return done;
}

Result<> ClientIdLog::begin_rotation() {
  fs::path path = path_of(dir_, newest_ + 1);
  Fd file{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600)};
  if (!file) return std::unexpected(errno_error("can't make", path));
  if (Result<> begun = append_all(file, kMagic); !begun) {
    ::unlink(path.c_str());
    return begun;
  }
  ++newest_;
  file_ = std::move(file);
  size_ = kMagic.size();
  remove_files(dir_, oldest_, complete_);
  oldest_ = complete_;
  return {};
}

void ClientIdLog::end_rotation() {
  complete_ = newest_;
  compacted_ = size_;
}

}  // namespace parley::plugin
