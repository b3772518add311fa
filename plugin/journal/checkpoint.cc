#include "plugin/journal/checkpoint.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <vector>

#include "base/crc32c.h"
#include "plugin/journal/identity.h"
#include "plugin/journal/segment.h"
#include "wire/bytes.h"

// checkpoint, little-endian:
//    0 "PJCP", u32 version (1)
//    8 char[16] lineage (journal.id)
//   24 u64 covers: stands for all records before this journal offset
//   32 i64 the ref table's clock, ms since 1970
//   40 u64 number of rooms
//   48 u64 number of refs
//   56 u32 CRC-32C of everything from 64 on
//   60 u32 CRC-32C of bytes 0-59
//   64 rooms by id, each: u64 room_id, u64 last seq
//      refs, oldest first, each: u8[16] hash, u64 seq, i64 at (ms, by the ref table's clock)
// Rooms and refs are used where they lie, which is why the machine must be little-endian.
namespace parley::plugin {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::string_view kMagic = "PJCP";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeader = 64;
constexpr std::size_t kVersionAt = 4, kLineageAt = 8, kCoversAt = 24, kClockAt = 32, kRoomsAt = 40,
                      kRefsAt = 48, kBodyCrcAt = 56, kHeaderCrcAt = 60;
constexpr std::size_t kBufferBytes = 1 << 20;

std::uint32_t crc(std::string_view bytes) {
  return crc32c(std::as_bytes(std::span(bytes)));
}

struct Layout {
  std::uint64_t rooms = 0, refs = 0;
};

// The counts, when header, size and both checksums agree.
bool check(std::string_view file, Layout& out) {
  if (file.size() < kHeader || !file.starts_with(kMagic)) return false;
  if (wire::get_le<std::uint32_t>(file.data() + kVersionAt) != kVersion) return false;
  if (wire::get_le<std::uint32_t>(file.data() + kHeaderCrcAt) != crc(file.substr(0, kHeaderCrcAt)))
    return false;
  if (wire::get_le<std::uint64_t>(file.data() + kCoversAt) > kOffsetMax) return false;
  out.rooms = wire::get_le<std::uint64_t>(file.data() + kRoomsAt);
  out.refs = wire::get_le<std::uint64_t>(file.data() + kRefsAt);
  const std::uint64_t body = file.size() - kHeader;
  if (out.rooms > body / sizeof(RoomLast)) return false;
  const std::uint64_t left = body - out.rooms * sizeof(RoomLast);
  if (left % sizeof(UsedRef) != 0 || out.refs != left / sizeof(UsedRef)) return false;
  return wire::get_le<std::uint32_t>(file.data() + kBodyCrcAt) == crc(file.substr(kHeader));
}

}  // namespace

Result<Checkpoint> Checkpoint::open(const std::filesystem::path& path) {
  Result<MappedFile> file = MappedFile::open(path, MappedFile::Access::read);
  if (!file) return std::unexpected(file.error());
  file->will_need();
  Layout layout;
  if (!check(file->view(), layout)) {
    return fail(Errc::corrupt, path.string() + " is damaged.");
  }
  Checkpoint checkpoint;
  const char* data = file->data();
  checkpoint.info_.lineage.assign(data + kLineageAt, kJournalIdChars);
  checkpoint.info_.covers = wire::get_le<std::uint64_t>(data + kCoversAt);
  checkpoint.info_.ref_clock_ms = static_cast<std::int64_t>(wire::get_le<std::uint64_t>(data + kClockAt));
  const char* rooms = data + kHeader;
  const char* refs = rooms + layout.rooms * sizeof(RoomLast);
  checkpoint.rooms_ = {reinterpret_cast<const RoomLast*>(rooms), layout.rooms};
  checkpoint.refs_ = {reinterpret_cast<const UsedRef*>(refs), layout.refs};
  checkpoint.file_ = std::move(*file);
  return checkpoint;
}

void Checkpoint::load(Numbers& numbers) const {
  for (const RoomLast& room : rooms_) numbers.raise(room.room_id, room.last);
  for (const UsedRef& used : refs_) numbers.refs().insert(used.hash, used.seq, used.at_ms);
  numbers.refs().see(info_.ref_clock_ms);
}

CheckpointWriter::CheckpointWriter(std::filesystem::path path, CheckpointInfo info, Fd fd)
    : path_(std::move(path)),
      temporary_(path_.string() + ".tmp"),
      info_(std::move(info)),
      fd_(std::move(fd)) {
  buffer_.reserve(kBufferBytes);
}

CheckpointWriter::~CheckpointWriter() {
  if (fd_) ::unlink(temporary_.c_str());
}

Result<CheckpointWriter> CheckpointWriter::create(const std::filesystem::path& path, CheckpointInfo info) {
  const std::string temporary = path.string() + ".tmp";
  Fd fd(::open(temporary.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd) return std::unexpected(errno_error("Can't create", temporary));
  CheckpointWriter writer(path, std::move(info), std::move(fd));
  writer.buffer_.assign(kHeader, '\0');
  return writer;
}

Result<> CheckpointWriter::add(std::span<const RoomLast> rooms) {
  rooms_ += rooms.size();
  return put(std::as_bytes(rooms));
}

Result<> CheckpointWriter::add(std::span<const UsedRef> refs) {
  refs_ += refs.size();
  return put(std::as_bytes(refs));
}

Result<> CheckpointWriter::put(std::span<const std::byte> bytes) {
  crc_ = crc32c(bytes, crc_);
  while (!bytes.empty()) {
    const std::size_t some = std::min(bytes.size(), kBufferBytes - buffer_.size());
    buffer_.append(reinterpret_cast<const char*>(bytes.data()), some);
    bytes = bytes.subspan(some);
    if (buffer_.size() == kBufferBytes) {
      if (auto drained = drain(); !drained) return drained;
    }
  }
  return {};
}

Result<> CheckpointWriter::drain() {
  const std::string_view bytes = buffer_;
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t written = ::write(fd_.get(), bytes.data() + done, bytes.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(Errc::unavailable, errno_error("Can't write", temporary_).message);
    done += static_cast<std::size_t>(written);
  }
  buffer_.clear();
  return {};
}

Result<std::uint64_t> CheckpointWriter::commit() {
  if (auto drained = drain(); !drained) return std::unexpected(drained.error());
  std::string header(kHeader, '\0');
  kMagic.copy(header.data(), kMagic.size());
  wire::put_le(header.data() + kVersionAt, kVersion);
  info_.lineage.copy(header.data() + kLineageAt, kJournalIdChars);
  wire::put_le(header.data() + kCoversAt, info_.covers);
  wire::put_le(header.data() + kClockAt, static_cast<std::uint64_t>(info_.ref_clock_ms));
  wire::put_le(header.data() + kRoomsAt, rooms_);
  wire::put_le(header.data() + kRefsAt, refs_);
  wire::put_le(header.data() + kBodyCrcAt, crc_);
  wire::put_le(header.data() + kHeaderCrcAt, crc(std::string_view(header).substr(0, kHeaderCrcAt)));
  if (::pwrite(fd_.get(), header.data(), kHeader, 0) != static_cast<ssize_t>(kHeader) ||
      ::fsync(fd_.get()) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    return fail(Errc::unavailable, errno_error("Can't write", path_).message);
  }
  fd_ = Fd();
  if (auto synced = sync_directory(path_.parent_path()); !synced) return std::unexpected(synced.error());
  return kHeader + rooms_ * sizeof(RoomLast) + refs_ * sizeof(UsedRef);
}

Result<std::uint64_t> write_checkpoint(const std::filesystem::path& path, const CheckpointInfo& info,
                                       const Numbers& numbers) {
  Result<CheckpointWriter> writer = CheckpointWriter::create(path, info);
  if (!writer) return std::unexpected(writer.error());
  std::vector<RoomLast> rooms;
  rooms.reserve(numbers.rooms().size());
  numbers.rooms().for_each([&](std::uint64_t room_id, std::uint64_t last) {
    rooms.push_back({room_id, last});
  });
  std::ranges::sort(rooms, {}, &RoomLast::room_id);
  if (auto added = writer->add(rooms); !added) return std::unexpected(added.error());
  Result<> added;
  numbers.refs().for_each([&](const UsedRef& used) {
    if (added) added = writer->add(std::span(&used, 1));
  });
  if (!added) return std::unexpected(added.error());
  return writer->commit();
}

}  // namespace parley::plugin
