#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "plugin/directory/directory.h"
#include "plugin/directory/snapshot_writer.h"

namespace parley::plugin {

// A whole Directory that comes in parts, built in memory and in a file beside the one in force. Not
// thread-safe, but may be handed from one thread to another. After an error, only destroy it: the file goes
// with it.
class DirectoryReplacement {
 public:
  // `first_log`: the number of the log that will go on from it.
  static Result<DirectoryReplacement> begin(const std::filesystem::path& dir, std::string id,
                                            std::uint64_t to, std::uint64_t first_log,
                                            std::size_t provisional_users_max);

  // write(2), never waits for the disk. Errors: those of Directory::apply, unavailable.
  Result<> add(std::span<const wire::DirectoryChange> changes);
  // From here on the new Directory is `snapshot`; the logs before it are removed. Waits for the disk. Gives
  // the snapshot's bytes.
  Result<std::uint64_t> commit(const std::function<void(std::string_view)>& after_step);

  const Directory& directory() const { return *directory_; }
  std::unique_ptr<Directory> take_directory() { return std::move(directory_); }
  const std::string& id() const { return id_; }
  std::uint64_t version() const { return version_; }
  std::uint64_t first_log() const { return first_log_; }

 private:
  DirectoryReplacement(std::filesystem::path dir, std::string id, std::uint64_t version,
                       std::uint64_t first_log, SnapshotWriter file, std::unique_ptr<Directory> directory);

  std::filesystem::path dir_;
  std::string id_;
  std::uint64_t version_;
  std::uint64_t first_log_;
  SnapshotWriter file_;
  std::unique_ptr<Directory> directory_;
};

}  // namespace parley::plugin
