#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "base/crc32c.h"
#include "plugin/directory/directory_files.h"
#include "plugin/directory/frames.h"
#include "wire/bytes.h"

// The Directory's files from arbitrary bytes: a snapshot, then a log, must load or be refused, and never more. The first byte says how the rest is
// meant: as it is, or as payloads (u8 size each) to be framed with good checksums, so that what lies behind the checksums is reached too.
namespace {

using namespace parley;

Fd file_of(std::string_view bytes) {
  Fd fd(::memfd_create("fuzz", MFD_CLOEXEC));
  if (!fd || !append_all(fd, bytes)) std::abort();
  ::lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

std::string framed(std::string_view payloads) {
  std::string out;
  while (!payloads.empty()) {
    const std::size_t size =
        std::min<std::size_t>(static_cast<unsigned char>(payloads[0]), payloads.size() - 1);
    plugin::append_frame(out, payloads.substr(1, size));
    payloads.remove_prefix(1 + size);
  }
  return out;
}

std::string header(char kind) {
  return plugin::format_header({kind, 5, 2, "dirid"});
}

// What was loaded can be written down and loaded again.
void check_round_trip(const plugin::Directory& directory) {
  plugin::Directory again;
  plugin::Effects effects;
  directory.for_each_change([&](const wire::DirectoryChange& change) {
    if (!again.apply(change, effects)) std::abort();
  });
  if (again.user_count() != directory.user_count() || again.room_count() != directory.room_count() ||
      again.token_count() != directory.token_count()) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool frame_it = (data[0] & 1) != 0, with_header = (data[0] & 2) != 0, log = (data[0] & 4) != 0;
  std::string bytes;
  if (with_header) plugin::append_frame(bytes, header(log ? 'L' : 'S'));
  bytes += frame_it ? framed(rest) : std::string(rest);

  plugin::Directory directory;
  if (log) {
    std::uint64_t version = 5, good_bytes = 0;
    const auto loaded =
        plugin::read_log(file_of(bytes), {'L', 5, 2, "dirid"}, directory, version, good_bytes);
    if (version < 5 || good_bytes > bytes.size()) std::abort();
    if (loaded && good_bytes > 0) check_round_trip(directory);
  } else if (plugin::read_snapshot(file_of(bytes), directory)) {
    check_round_trip(directory);
  }
  return 0;
}
