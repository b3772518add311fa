#include "plugin/directory/replacement.h"

#include <utility>

namespace parley::plugin {

DirectoryReplacement::DirectoryReplacement(std::filesystem::path dir, std::string id, std::uint64_t version,
                                           std::uint64_t first_log, SnapshotWriter file,
                                           std::unique_ptr<Directory> directory)
    : dir_(std::move(dir)),
      id_(std::move(id)),
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
  return DirectoryReplacement(dir, std::move(id), to, first_log, std::move(*file),
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

Result<std::uint64_t> DirectoryReplacement::commit(const std::function<void(std::string_view)>& after_step) {
  const auto committed = file_.commit(after_step);
  if (!committed) return std::unexpected(committed.error());
  if (committed->synced) remove_logs_below(dir_, first_log_);
  after_step("logs removed");
  return committed->bytes;
}

}  // namespace parley::plugin
