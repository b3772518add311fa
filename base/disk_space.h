#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>

namespace parley {

// Of the file system a folder lies on; free is what programs without root's reserve may use.
struct DiskSpace {
  std::uint64_t bytes = 0, bytes_free = 0, inodes = 0, inodes_free = 0;
};

// statvfs(3), which asks the file system: a remote one may make it wait. nullopt: the folder can't be looked at.
std::optional<DiskSpace> disk_space(const std::filesystem::path& folder);

}  // namespace parley
