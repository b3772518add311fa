#include "base/disk_space.h"

#include <sys/statvfs.h>

namespace parley {

std::optional<DiskSpace> disk_space(const std::filesystem::path& folder) {
  struct statvfs disk {};
  if (::statvfs(folder.c_str(), &disk) != 0) return std::nullopt;
  return DiskSpace{.bytes = disk.f_blocks * disk.f_frsize,
                   .bytes_free = disk.f_bavail * disk.f_frsize,
                   .inodes = disk.f_files,
                   .inodes_free = disk.f_favail};
}

}  // namespace parley
