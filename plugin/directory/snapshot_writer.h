#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "base/file.h"
#include "base/result.h"
#include "plugin/directory/directory_files.h"

namespace parley::plugin {

struct CommittedSnapshot {
  std::uint64_t bytes = 0;
  bool synced = false;  // false: a power cut may still bring back the one before, so its logs must stay
};

// Writes a snapshot beside the one in force (directory_files.h has the format), then puts it in its place.
// The file is removed with this object unless commit() came to the end. Not thread-safe, but may be handed
// from one thread to another. Errors: unavailable, permission_denied; after one, only destroy it.
class SnapshotWriter {
 public:
  // `path`: of the unfinished file, in folder `dir`; an old one there is overwritten.
  static Result<SnapshotWriter> create(const std::filesystem::path& dir, const std::filesystem::path& path,
                                       const FileHeader& header);
  SnapshotWriter(SnapshotWriter&&) noexcept = default;
  SnapshotWriter& operator=(SnapshotWriter&&) = delete;
  ~SnapshotWriter();

  // Collects; writes (write(2)) by the half megabyte. Never waits for the disk.
  Result<> add(const wire::DirectoryChange& change);
  Result<> flush();
  // Writes the end, waits for the disk, renames, and waits again. From the rename on the new snapshot counts,
  // whatever comes. `after_step` is told each step.
  Result<CommittedSnapshot> commit(const std::function<void(std::string_view)>& after_step);

 private:
  SnapshotWriter(std::filesystem::path dir, std::filesystem::path path, Fd fd)
      : dir_(std::move(dir)), path_(std::move(path)), fd_(std::move(fd)) {}
  Result<> write_frame(std::string_view payload);

  std::filesystem::path dir_, path_;
  Fd fd_;
  std::string pending_;
  std::uint64_t count_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace parley::plugin
