#include "plugin/directory/compaction.h"

#include "plugin/directory/directory_files.h"
#include "plugin/directory/snapshot_writer.h"

namespace parley::plugin {

Result<std::uint64_t> compact(const std::filesystem::path& dir, std::uint64_t log_end,
                              const std::function<void(std::string_view)>& after_step) {
  Directory directory;
  const auto loaded = load_files(dir, directory, log_end);
  if (!loaded) return std::unexpected(loaded.error());
  auto writer =
      SnapshotWriter::create(dir, dir / "snapshot.new", {'S', loaded->version, log_end, loaded->id});
  if (!writer) return std::unexpected(writer.error());
  after_step("snapshot begun");
  Result<> written;
  directory.for_each_change([&](const wire::DirectoryChange& change) {
    if (written) written = writer->add(change);
  });
  if (!written) return std::unexpected(written.error());
  const auto committed = writer->commit(after_step);
  if (!committed) return std::unexpected(committed.error());
  if (committed->synced) remove_logs_below(dir, log_end);
  after_step("logs removed");
  return committed->bytes;
}

}  // namespace parley::plugin
