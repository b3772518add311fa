#include "plugin/directory/snapshot_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "plugin/directory/frames.h"
#include "wire/bytes.h"

namespace parley::plugin {
namespace {

constexpr std::size_t kFlushBytes = 512 * 1024;

}  // namespace

Result<SnapshotWriter> SnapshotWriter::create(const std::filesystem::path& dir,
                                              const std::filesystem::path& path, const FileHeader& header) {
  Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd) return std::unexpected(errno_error("Can't make", path));
  SnapshotWriter writer(dir, path, std::move(fd));
  if (auto ok = writer.write_frame(format_header(header)); !ok) return std::unexpected(ok.error());
  return writer;
}

SnapshotWriter::~SnapshotWriter() {
  if (fd_) ::unlink(path_.c_str());
}

Result<> SnapshotWriter::write_frame(std::string_view payload) {
  std::string frame;
  append_frame(frame, payload);
  bytes_ += frame.size();
  if (auto ok = append_all(fd_, frame); !ok) {
    return fail(Errc::unavailable, path_.string() + ": " + ok.error().message);
  }
  return {};
}

Result<> SnapshotWriter::add(const wire::DirectoryChange& change) {
  if (pending_.empty()) pending_.push_back('C');
  wire::append_change(pending_, change);
  ++count_;
  if (pending_.size() < kFlushBytes) return {};
  return flush();
}

Result<> SnapshotWriter::flush() {
  if (pending_.empty()) return {};
  auto written = write_frame(pending_);
  pending_.clear();
  return written;
}

Result<CommittedSnapshot> SnapshotWriter::commit(const std::function<void(std::string_view)>& after_step) {
  if (auto ok = flush(); !ok) return std::unexpected(ok.error());
  std::string end(1, 'E');
  wire::append_le(end, count_);
  if (auto ok = write_frame(end); !ok) return std::unexpected(ok.error());
  after_step("snapshot written");
  if (::fsync(fd_.get()) != 0) return std::unexpected(errno_error("Can't sync", path_));
  if (::rename(path_.c_str(), snapshot_path(dir_).c_str()) != 0) {
    return std::unexpected(errno_error("Can't rename", path_));
  }
  fd_ = Fd();
  after_step("snapshot renamed");
  return CommittedSnapshot{bytes_, sync_directory(dir_).has_value()};
}

}  // namespace parley::plugin
