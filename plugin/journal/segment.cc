#include "plugin/journal/segment.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <span>

#include "base/crc32c.h"
#include "plugin/journal/identity.h"
#include "wire/bytes.h"

// <base, 20 digits>.seg, little-endian:
//    0 "PJSG", u32 version (1)
//    8 char[16] lineage (journal.id)
//   24 u64 base: the journal's offset of the first record
//   32 u64 capacity: bytes behind this header; the next segment's base is base + capacity
//   40 u32 CRC-32C of bytes 0-39
//   44 u32 CRC-32C of bytes 48-55, when the segment was begun
//   48 u64 bytes of records in the segment before this one (0 in the first), when begun
//   56 u64 bytes of records in here that are known to be on disk
//   64 records (wire/record.h), then zeros
// The file has its whole size and real space from the beginning; it gets its name when that is on disk.
namespace parley::plugin {
namespace {

constexpr std::string_view kMagic = "PJSG";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kVersionAt = 4, kLineageAt = 8, kBaseAt = 24, kCapacityAt = 32, kHeaderCrcAt = 40,
                      kBegunCrcAt = 44, kUsedBeforeAt = 48, kDurableAt = 56;
constexpr std::string_view kSuffix = ".seg";
constexpr std::size_t kBaseDigits = 20;

std::uint32_t crc(const char* at, std::size_t size) {
  return crc32c(std::as_bytes(std::span(at, size)));
}

std::string make_header(const std::string& lineage, std::uint64_t base, std::uint64_t capacity) {
  std::string header(kSegmentHeader, '\0');
  kMagic.copy(header.data(), kMagic.size());
  wire::put_le(header.data() + kVersionAt, kVersion);
  lineage.copy(header.data() + kLineageAt, kJournalIdChars);
  wire::put_le(header.data() + kBaseAt, base);
  wire::put_le(header.data() + kCapacityAt, capacity);
  wire::put_le(header.data() + kHeaderCrcAt, crc(header.data(), kHeaderCrcAt));
  return header;
}

bool header_is_sound(std::string_view file) {
  if (file.size() < kSegmentHeader || !file.starts_with(kMagic)) return false;
  if (wire::get_le<std::uint32_t>(file.data() + kVersionAt) != kVersion) return false;
  if (wire::get_le<std::uint32_t>(file.data() + kHeaderCrcAt) != crc(file.data(), kHeaderCrcAt)) return false;
  if (wire::get_le<std::uint64_t>(file.data() + kBaseAt) > kOffsetMax) return false;
  const auto capacity = wire::get_le<std::uint64_t>(file.data() + kCapacityAt);
  return capacity % 8 == 0 && capacity == file.size() - kSegmentHeader;
}

Error disk_error(const std::string& what, const std::filesystem::path& path, int number) {
  errno = number;
  Error error = errno_error(what, path);
  error.code = Errc::unavailable;
  return error;
}

// The file under its temporary name, complete and on disk; or an error, and no file.
Result<Fd> make_file(const std::filesystem::path& path, const std::string& header, std::uint64_t file_bytes,
                     Disk& disk) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd) return std::unexpected(errno_error("Can't create", path));
  int error = disk.allocate(fd.get(), file_bytes);
  if (error == 0 &&
      ::pwrite(fd.get(), header.data(), header.size(), 0) != static_cast<ssize_t>(header.size()))
    error = EIO;
  if (error == 0) error = disk.sync_file(fd.get());
  if (error == 0) return fd;
  ::unlink(path.c_str());
  return std::unexpected(disk_error("Can't make a journal segment", path, error));
}

}  // namespace

Segment::Segment(std::filesystem::path path, MappedFile file)
    : path_(std::move(path)), file_(std::move(file)) {
  lineage_.assign(file_.data() + kLineageAt, kJournalIdChars);
  base_ = wire::get_le<std::uint64_t>(file_.data() + kBaseAt);
  capacity_ = wire::get_le<std::uint64_t>(file_.data() + kCapacityAt);
}

Result<std::shared_ptr<Segment>> Segment::create(const std::filesystem::path& dir, const std::string& lineage,
                                                 std::uint64_t base, std::uint64_t file_bytes, Disk& disk) {
  const std::filesystem::path path = dir / file_name(base);
  const std::filesystem::path temporary = path.string() + ".tmp";
  Result<Fd> fd =
      make_file(temporary, make_header(lineage, base, file_bytes - kSegmentHeader), file_bytes, disk);
  if (!fd) return std::unexpected(fd.error());
  Result<MappedFile> file = MappedFile::populate(std::move(*fd), file_bytes, temporary);
  if (!file || ::rename(temporary.c_str(), path.c_str()) != 0) {
    Error error = file ? errno_error("Can't name", path) : file.error();
    ::unlink(temporary.c_str());
    return std::unexpected(std::move(error));
  }
  if (auto synced = sync_directory(dir); !synced) {
    ::unlink(path.c_str());
    return std::unexpected(synced.error());
  }
  return std::shared_ptr<Segment>(new Segment(path, std::move(*file)));
}

Result<std::shared_ptr<Segment>> Segment::open(const std::filesystem::path& path, MappedFile::Access access) {
  Result<MappedFile> file = MappedFile::open(path, access);
  if (!file) return std::unexpected(file.error());
  if (!header_is_sound(file->view())) return fail(Errc::corrupt, path.string() + " has no sound header.");
  return std::shared_ptr<Segment>(new Segment(path, std::move(*file)));
}

std::string Segment::file_name(std::uint64_t base) {
  std::string digits = std::to_string(base);
  return std::string(kBaseDigits - digits.size(), '0') + digits + std::string(kSuffix);
}

std::optional<std::uint64_t> Segment::base_of(const std::string& name) {
  if (name.size() != kBaseDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  std::uint64_t base = 0;
  const char* end = name.data() + kBaseDigits;
  const auto [stop, error] = std::from_chars(name.data(), end, base);
  if (error != std::errc() || stop != end) return std::nullopt;
  return base;
}

Result<bool> Segment::is_blank(const std::filesystem::path& path) {
  const Result<MappedFile> file = MappedFile::open(path, MappedFile::Access::read);
  if (!file) return std::unexpected(file.error());
  const std::string_view bytes = file->view();
  return bytes.size() <= kSegmentHeader || bytes.find_first_not_of('\0', kSegmentHeader) == bytes.npos;
}

void Segment::begin(std::uint64_t used_before) {
  char* header = file_.data();
  wire::put_le(header + kUsedBeforeAt, used_before);
  const std::uint32_t check = crc(header + kUsedBeforeAt, 8);
  std::atomic_signal_fence(std::memory_order_release);  // a kill finds the number before its checksum
  wire::put_le(header + kBegunCrcAt, check);
}

std::optional<std::uint64_t> Segment::begun() const {
  const char* header = file_.data();
  if (wire::get_le<std::uint32_t>(header + kBegunCrcAt) != crc(header + kUsedBeforeAt, 8))
    return std::nullopt;
  return wire::get_le<std::uint64_t>(header + kUsedBeforeAt);
}

std::uint64_t Segment::durable() const {
  return wire::get_le<std::uint64_t>(file_.data() + kDurableAt);
}

void Segment::set_durable(std::uint64_t bytes) {
  wire::put_le(file_.data() + kDurableAt, bytes);
}

int Segment::flush(Disk& disk) {
  const std::uint64_t until = used();
  const std::uint64_t from = std::min(durable(), until);
  if (from == until) return 0;
  if (const int error = disk.sync_range(records() + from, until - from); error != 0) return error;
  if (const int error = disk.sync_range(file_.data(), kSegmentHeader); error != 0)
    return error;  // begun, and the mark of last time
  set_durable(until);
  return 0;
}

void Segment::cut(std::uint64_t used) {
  const std::size_t last = area().find_last_not_of('\0');
  if (last != std::string_view::npos && last >= used) std::memset(records() + used, 0, last + 1 - used);
  if (durable() > used) set_durable(used);
  set_used(used);
}

}  // namespace parley::plugin
