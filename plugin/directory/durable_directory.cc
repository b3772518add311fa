#include "plugin/directory/durable_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <exception>
#include <utility>
#include <vector>

#include "plugin/directory/background.h"
#include "plugin/directory/compaction.h"
#include "plugin/directory/frames.h"
#include "plugin/directory/rights.h"
#include "wire/bytes.h"

namespace parley::plugin {
namespace {

std::string format_record(std::uint64_t to, std::span<const wire::DirectoryChange> changes) {
  std::string payload;
  wire::append_le(payload, to);
  for (const wire::DirectoryChange& change : changes) wire::append_change(payload, change);
  return payload;
}

void remove_unfinished(const std::filesystem::path& dir) {
  std::error_code ignored;
  std::filesystem::remove(dir / "snapshot.new", ignored);
  std::filesystem::remove(dir / "replacement.new", ignored);
}

}  // namespace

DurableDirectory::DurableDirectory(const std::filesystem::path& dir, DurableDirectoryOptions options)
    : dir_(dir),
      options_(std::move(options)),
      live_(std::make_unique<Directory>(options_.provisional_users_max)) {}

DurableDirectory::~DurableDirectory() {
  if (job_.valid()) job_.wait();  // it reads what is destroyed next
}

Result<std::unique_ptr<DurableDirectory>> DurableDirectory::open(const std::filesystem::path& dir,
                                                                 DurableDirectoryOptions options) {
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  if (error) return fail(Errc::unavailable, "Can't make folder " + dir.string() + ": " + error.message());
  std::unique_ptr<DurableDirectory> opened(new DurableDirectory(dir, std::move(options)));
  if (auto ok = opened->take_lock(); !ok) return std::unexpected(ok.error());
  if (auto ok = opened->load(); !ok) return std::unexpected(ok.error());
  return opened;
}

Result<> DurableDirectory::take_lock() {
  const auto path = dir_ / "lock";
  lock_ = Fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock_) return std::unexpected(errno_error("Can't make", path));
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0) return {};
  return fail(Errc::unavailable, "Another process uses folder " + dir_.string() + ".");
}

Result<> DurableDirectory::load() {
  remove_unfinished(dir_);
  auto loaded = load_files(dir_, *live_);
  if (!loaded && loaded.error().code != Errc::corrupt) return std::unexpected(loaded.error());
  if (!loaded) {
    open_problem_ = loaded.error().message;
    options_.log(LogLevel::error,
                 "The Directory can't be trusted, so nobody can log in until the backend has sent it anew: " +
                     open_problem_);
    live_ = std::make_unique<Directory>(options_.provisional_users_max);
    log_number_ = largest_log_number(dir_) + 1;
    return {};
  }
  id_ = loaded->id;
  version_ = loaded->version;
  log_number_ = loaded->last_log;
  log_bytes_ = loaded->log_bytes;
  snapshot_bytes_ = loaded->snapshot_bytes;
  if (!id_.empty()) remove_logs_below(dir_, loaded->first_log);
  const auto path = log_path(dir_, log_number_);
  if (loaded->last_log_bytes == 0) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
      return std::unexpected(errno_error("Can't remove", path));
    return {};
  }
  log_ = Fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!log_ || ::ftruncate(log_.get(), static_cast<off_t>(loaded->last_log_bytes)) != 0) {
    return std::unexpected(errno_error("Can't cut", path));
  }
  return {};
}

Result<> DurableDirectory::open_log() {
  const auto path = log_path(dir_, log_number_);
  Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd) return fail(Errc::unavailable, errno_error("Can't make", path).message);
  std::string frame;
  append_frame(frame, format_header({'L', version_, log_number_, id_}));
  if (auto ok = append_all(fd, frame); !ok) {
    ::unlink(path.c_str());
    return fail(Errc::unavailable, path.string() + ": " + ok.error().message);
  }
  log_bytes_ += frame.size();
  log_ = std::move(fd);
  options_.after_step("log made");
  return {};
}

Result<> DurableDirectory::append(std::string_view payload) {
  if (payload.size() > kFrameMax) return fail(Errc::invalid_argument, "These are too many changes at once.");
  if (!log_) {
    if (auto ok = open_log(); !ok) return ok;
  }
  std::string frame;
  append_frame(frame, payload);
  auto written = append_all(log_, frame);
  if (!written && written.error().code == Errc::in_doubt) {
    // What could not be cut off stays as the torn end of this log; the next one goes on from the last whole
    // version.
    log_ = Fd();
    ++log_number_;
  }
  if (!written) return fail(Errc::unavailable, "The Directory's log: " + written.error().message);
  log_bytes_ += frame.size();
  options_.after_step("changes written");
  return {};
}

Result<Effects> DurableDirectory::apply(std::uint64_t from, std::uint64_t to,
                                        std::span<const wire::DirectoryChange> changes) {
  if (to <= version_ && !id_.empty()) return Effects{};
  if (id_.empty()) return fail(Errc::invalid_argument, "There is no Directory yet to change; send it whole.");
  if (from > version_) {
    return fail(Errc::invalid_argument, "The Directory is at version " + std::to_string(version_) +
                                            ", not at " + std::to_string(from) + ".");
  }
  if (replacing()) return fail(Errc::unavailable, "A new Directory is being put in place; try again.");
  if (auto ok = live_->check(changes); !ok) return std::unexpected(ok.error());
  if (auto ok = append(format_record(to, changes)); !ok) return std::unexpected(ok.error());
  abandon_replace();  // it was made for the version before
  version_ = to;
  return apply_all(changes);
}

Result<Effects> DurableDirectory::apply_all(std::span<const wire::DirectoryChange> changes) {
  Effects effects;
  for (const wire::DirectoryChange& change : changes) {
    [[maybe_unused]] const auto applied = live_->apply(change, effects);
    assert(applied);  // check() said so
  }
  return effects;
}

Result<> DurableDirectory::begin_replace(std::string_view id, std::uint64_t to) {
  if (replacing()) return fail(Errc::unavailable, "A new Directory is being put in place; try again.");
  abandon_replace();
  auto build =
      DirectoryReplacement::begin(dir_, std::string(id), to, log_number_ + 1, options_.provisional_users_max);
  if (!build) return std::unexpected(build.error());
  replacement_.reset(new Replacing{std::move(*build)});
  return {};
}

Result<> DurableDirectory::replace_part(std::span<const wire::DirectoryChange> changes) {
  if (!replacement_ || replacement_->finished)
    return fail(Errc::invalid_argument, "No replacement has begun.");
  auto added = replacement_->build.add(changes);
  if (!added) replacement_.reset();
  return added;
}

Result<> DurableDirectory::finish_replace() {
  if (!replacement_ || replacement_->finished)
    return fail(Errc::invalid_argument, "No replacement has begun.");
  replacement_->finished = true;
  start_what_is_due();
  return {};
}

void DurableDirectory::abandon_replace() {
  if (!replacing()) replacement_.reset();
}

std::optional<Result<Effects>> DurableDirectory::tick() {
  std::optional<Result<Effects>> told;
  if (job_.valid() && job_.wait_for(std::chrono::seconds{0}) == std::future_status::ready) {
    told = finish_job(job_.get());
  }
  start_what_is_due();
  return told;
}

std::optional<Result<Effects>> DurableDirectory::wait_idle() {
  std::optional<Result<Effects>> told;
  for (start_what_is_due(); job_.valid(); start_what_is_due()) {
    if (auto one = finish_job(job_.get())) told = std::move(one);
  }
  return told;
}

void DurableDirectory::start_what_is_due() {
  if (job_.valid()) return;
  if (replacement_) {  // no compaction meanwhile: the log numbers are spoken for
    if (replacement_->finished) start_replacement();
    return;
  }
  if (log_bytes_ > std::max({options_.log_bytes_min, snapshot_bytes_, compact_above_})) start_compaction();
}

void DurableDirectory::start(JobDone::Kind kind, std::function<Result<std::uint64_t>(Effects&)> work) {
  auto job = [kind, work = std::move(work)] {
    JobDone done{kind, 0, {}};
    try {
      done.snapshot_bytes = work(done.effects);
    } catch (const std::exception& e) {
      done.snapshot_bytes = fail(Errc::unavailable, e.what());
    }
    return done;
  };
  try {
    job_ =
        run_in_background(std::move(job));  // moved all the way: what the work holds must end in its thread
  } catch (const std::exception& e) {
    options_.log(LogLevel::warning, std::string("No thread can be started for the Directory: ") + e.what());
  }
}

void DurableDirectory::start_compaction() {
  if (log_) {
    log_ = Fd();
    ++log_number_;
  }
  compacting_bytes_ = log_bytes_;
  compact_above_ = 2 * log_bytes_;
  start(JobDone::Kind::compaction, [dir = dir_, end = log_number_, after_step = options_.after_step](
                                       Effects&) { return compact(dir, end, after_step); });
}

void DurableDirectory::start_replacement() {
  replacement_->started = true;
  start(JobDone::Kind::replacement, [this, build = &replacement_->build](Effects& effects) {
    effects = rights_lost(*live_, build->directory());
    return build->commit(options_.after_step);
  });
}

std::optional<Result<Effects>> DurableDirectory::finish_job(JobDone done) {
  switch (done.kind) {
    case JobDone::Kind::compaction:
      finish_compaction(done.snapshot_bytes);
      return std::nullopt;
    case JobDone::Kind::replacement:
      return finish_replacement(std::move(done));
    case JobDone::Kind::disposal:
      return std::nullopt;
  }
  return std::nullopt;
}

void DurableDirectory::finish_compaction(const Result<std::uint64_t>& snapshot_bytes) {
  if (!snapshot_bytes) {
    options_.log(LogLevel::warning, "The Directory's log could not be folded, and goes on growing: " +
                                        snapshot_bytes.error().message);
    return;  // next when it has doubled
  }
  log_bytes_ -= compacting_bytes_;
  snapshot_bytes_ = *snapshot_bytes;
  compact_above_ = 0;
}

Result<Effects> DurableDirectory::finish_replacement(JobDone done) {
  const auto replacing = std::move(replacement_);
  if (!done.snapshot_bytes) return std::unexpected(done.snapshot_bytes.error());
  snapshot_bytes_ = *done.snapshot_bytes;
  adopt(replacing->build, done.effects);
  return std::move(done.effects);
}

void DurableDirectory::adopt(DirectoryReplacement& build, Effects& effects) {
  std::shared_ptr<Directory> old = std::exchange(live_, build.take_directory());
  live_->take_provisional(*old, effects);
  id_ = build.id();
  version_ = build.version();
  log_number_ = build.first_log();
  log_ = Fd();
  log_bytes_ = 0;
  compact_above_ = 0;
  open_problem_.clear();
  // Giving millions of pieces of memory back takes long.
  start(JobDone::Kind::disposal, [old = std::move(old)](Effects&) mutable -> Result<std::uint64_t> {
    old.reset();
    return 0;
  });
}

}  // namespace parley::plugin
