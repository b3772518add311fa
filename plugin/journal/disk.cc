#include "plugin/journal/disk.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"

namespace parley::plugin {
namespace {

class SystemDisk final : public Disk {
 public:
  int allocate(int fd, std::uint64_t bytes) override {
    int error;
    do {
      error = ::posix_fallocate(fd, 0, static_cast<off_t>(bytes));
    } while (error == EINTR);
    return error;
  }

  int sync_file(int fd) override { return ::fsync(fd) == 0 ? 0 : errno; }

  int sync_range(const void* begin, std::size_t bytes) override {
    static const std::uintptr_t page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const auto at = reinterpret_cast<std::uintptr_t>(begin);
    const std::uintptr_t first = at / page * page;
    return ::msync(reinterpret_cast<void*>(first), at + bytes - first, MS_SYNC) == 0 ? 0 : errno;
  }
};

}  // namespace

Disk& system_disk() {
  static SystemDisk disk;  // without state
  return disk;
}

std::string current_boot_id() {
  Result<std::string> text = read_file("/proc/sys/kernel/random/boot_id", 256);
  if (!text) return {};
  while (!text->empty() && (text->back() == '\n' || text->back() == ' ')) text->pop_back();
  return std::move(*text);
}

// The time of birth too, for the number of a removed file is soon given to another.
std::string place_of(int fd) {
  struct statx status {};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &status) != 0) return {};
  std::string place = std::to_string(status.stx_ino);
  if ((status.stx_mask & STATX_BTIME) != 0)
    place += "." + std::to_string(status.stx_btime.tv_sec) + "." + std::to_string(status.stx_btime.tv_nsec);
  return place;
}

}  // namespace parley::plugin
