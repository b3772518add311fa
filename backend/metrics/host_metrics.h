#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace parley::backend {

// parley_disk_size_bytes and parley_disk_free_bytes of the file systems these folders are on; what can't be looked at is left out.
struct WatchedFolder {
  std::string name;  // label: "store"
  std::filesystem::path path;
};
std::string disk_metrics(const std::vector<WatchedFolder>& folders);

// parley_certificate_end_time_seconds of each PEM file's first certificate; 0 for one that can't be read, so that an alarm is raised.
std::string certificate_metrics(const std::vector<std::string>& files);

}  // namespace parley::backend
