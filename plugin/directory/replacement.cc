#include "plugin/directory/replacement.h"

#include <utility>

namespace parley::plugin {

DirectoryReplacement::DirectoryReplacement(std::string id, std::uint64_t version, std::uint64_t first_log,
                                           SnapshotWriter file, std::unique_ptr<Directory> directory)
    : id_(std::move(id)),
      version_(version),
      first_log_(first_log),
      file_(std::move(file)),
      directory_(std::move(directory)) {}

Result<DirectoryReplacement> DirectoryReplacement::begin(const std::filesystem::path& dir, std::string id,
                                                         std::uint64_t to, std::uint64_t first_log,
                                                         std::size_t provisional_users_max) {
  if (id.empty() || id.size() > kDirectoryIdMax) {
    return fail(Errc::invalid_argument, "A Directory's id has 1-64 characters.");
  }
  auto file = SnapshotWriter::create(dir, dir / "replacement.new", {'S', to, first_log, id});
  if (!file) return std::unexpected(file.error());
  return DirectoryReplacement(std::move(id), to, first_log, std::move(*file),
                              std::make_unique<Directory>(provisional_users_max));
}

Result<> DirectoryReplacement::add(std::span<const wire::DirectoryChange> changes) {
  Effects effects;
  for (const wire::DirectoryChange& change : changes) {
    if (auto ok = directory_->apply(change, effects); !ok) return ok;
    if (auto ok = file_.add(change); !ok) return ok;
    effects.clear();
  }
  return file_.flush();
}

Result<CommittedSnapshot> DirectoryReplacement::commit(
    const std::function<void(std::string_view)>& after_step) {
  return file_.commit(after_step);
}

}  // namespace parley::plugin
