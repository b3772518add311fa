#include "backend/metrics/host_metrics.h"

#include <sys/statvfs.h>

#include "backend/metrics/exposition.h"
#include "base/certificate.h"

namespace parley::backend {

std::string disk_metrics(const std::vector<WatchedFolder>& folders) {
  Exposition free, size;
  free.family("parley_disk_free_bytes", "gauge", "Free space where a folder of parleyd lies.");
  size.family("parley_disk_size_bytes", "gauge", "Size of the file system where a folder of parleyd lies.");
  for (const auto& folder : folders) {
    struct statvfs disk {};
    if (::statvfs(folder.path.c_str(), &disk) != 0) continue;
    const auto unit = static_cast<double>(disk.f_frsize);
    free.sample(static_cast<double>(disk.f_bavail) * unit, {{"folder", folder.name}});
    size.sample(static_cast<double>(disk.f_blocks) * unit, {{"folder", folder.name}});
  }
  return folders.empty() ? std::string() : free.take() + size.take();
}

std::string certificate_metrics(const std::vector<std::string>& files) {
  if (files.empty()) return "";
  Exposition out;
  out.family("parley_certificate_end_time_seconds", "gauge",
             "When a certificate ends, in seconds since 1970; 0: it can't be read.");
  for (const auto& file : files) {
    const auto certificate = read_certificate(file);
    out.sample(certificate ? static_cast<double>(to_ms(certificate->until)) / 1000 : 0, {{"file", file}});
  }
  return out.take();
}

}  // namespace parley::backend
