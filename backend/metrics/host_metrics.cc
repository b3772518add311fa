#include "backend/metrics/host_metrics.h"

#include "backend/metrics/exposition.h"
#include "base/certificate.h"
#include "base/disk_space.h"

namespace parley::backend {

std::string disk_metrics(const std::vector<WatchedFolder>& folders) {
  Exposition free, size;
  free.family("parley_disk_free_bytes", "gauge", "Free space where a folder of parleyd lies.");
  size.family("parley_disk_size_bytes", "gauge", "Size of the file system where a folder of parleyd lies.");
  for (const auto& folder : folders) {
    const auto space = disk_space(folder.path);
    if (!space) continue;
    free.sample(static_cast<double>(space->bytes_free), {{"folder", folder.name}});
    size.sample(static_cast<double>(space->bytes), {{"folder", folder.name}});
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
