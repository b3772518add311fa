#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"

namespace parley::plugin {

// The few calls to the disk that may fail in service, behind a seam so that tests can make them fail.
// Called by the journal's own thread, and by the broker's in open(), renew() and with SyncPolicy::always.
// Implementations are thread-safe.
class Disk {
 public:
  virtual ~Disk() = default;
  // Gives `fd` `bytes` bytes of real space, so that a mapped store can't meet a full disk. 0, or an errno.
  virtual int allocate(int fd, std::uint64_t bytes) = 0;
  // fsync: contents, size and extents. 0, or an errno.
  virtual int sync_file(int fd) = 0;
  // msync(MS_SYNC) of a mapped range, widened to whole pages. 0, or an errno.
  virtual int sync_range(const void* begin, std::size_t bytes) = 0;
};

// The real one. Linux's msync(MS_SYNC) is fdatasync of the file's range: when it returns, what was stored
// through the mapping before is durable, provided that the extents are (sync_file at creation).
Disk& system_disk();

// Changes when the machine starts anew (Linux: /proc/sys/kernel/random/boot_id); "" when not to be had.
std::string current_boot_id();

// Which file this is: another one for every copy, however it was made; the same one after a rename, a restart
// of the machine, a snapshot of the whole file system put back. "" when not to be had. One word.
std::string place_of(int fd);

}  // namespace parley::plugin
