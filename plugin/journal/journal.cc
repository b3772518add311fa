#include "plugin/journal/journal.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/ids.h"
#include "plugin/journal/checkpoint.h"
#include "plugin/journal/recovery.h"
#include "plugin/journal/scan.h"
#include "plugin/journal/upkeep.h"
#include "wire/limits.h"

namespace parley::plugin {
namespace {

constexpr std::chrono::milliseconds kRetireEvery{1000};  // how often the age of what is held is looked at

namespace fs = std::filesystem;

constexpr std::uint64_t kSegmentBytesMin = 4096, kSegmentBytesMax = 1ull << 30;
constexpr std::size_t kForgottenMax = 100'000;  // beyond it a dropped room's 16 bytes stay in the checkpoint

Result<> check(const JournalOptions& o) {
  if (o.segment_bytes % 8 != 0 || o.segment_bytes < kSegmentBytesMin || o.segment_bytes > kSegmentBytesMax) {
    return fail(Errc::invalid_argument, "segment_bytes must be a multiple of 8 from 4096 to 1 GiB.");
  }
  if (o.spare_segments == 0) return fail(Errc::invalid_argument, "spare_segments must be at least 1.");
  if (o.max_bytes == 0) return fail(Errc::invalid_argument, "max_bytes must not be 0.");
  if (o.sync == SyncPolicy::interval && o.sync_interval.count() <= 0) {
    return fail(Errc::invalid_argument, "sync_interval must be above 0.");
  }
  return {};
}

Result<Fd> lock_folder(const fs::path& dir) {
  std::error_code error;
  fs::create_directories(dir, error);
  if (error)
    return fail(Errc::permission_denied, "Can't make folder " + dir.string() + ": " + error.message());
  const fs::path path = dir / "journal.lock";
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return std::unexpected(errno_error("Can't open", path));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(Errc::unavailable, "The journal in " + dir.string() + " is in use by another process.");
  }
  return fd;
}

}  // namespace

Journal::Journal(fs::path dir, const JournalOptions& options, Fd lock)
    : dir_(std::move(dir)),
      options_(options),
      disk_(options.disk != nullptr ? *options.disk : system_disk()),
      lock_(std::move(lock)),
      numbers_(options.ref_window, options.ref_max) {}

Result<std::unique_ptr<Journal>> Journal::open(const fs::path& dir, const JournalOptions& options) {
  if (auto checked = check(options); !checked) return std::unexpected(checked.error());
  Result<Fd> lock = lock_folder(dir);
  if (!lock) return std::unexpected(lock.error());
  std::unique_ptr<Journal> journal(new Journal(dir, options, std::move(*lock)));
  const std::string place = options.place.empty() ? place_of(journal->lock_.get()) : options.place;
  Result<Recovered> found = recover(dir, options.boot_id, place, journal->numbers_);
  if (!found) return std::unexpected(found.error());

  if (options.sync == SyncPolicy::always) {  // what an earlier, lazy process left
    for (const auto& segment : found->segments) {
      if (segment->flush(journal->disk_) != 0)
        return fail(Errc::unavailable, "Can't flush " + segment->path().string() + ".");
    }
  }
  journal->identity_ = std::move(found->identity);
  journal->identity_.running = true;
  journal->identity_.lossy = options.sync != SyncPolicy::always;
  journal->identity_.boot_id = options.boot_id;
  journal->identity_.place = place;
  if (auto written = write_identity(dir, journal->identity_); !written)
    return std::unexpected(written.error());
  journal->segments_ = std::move(found->segments);
  journal->recovered_records_ = found->records;
  journal->cut_bytes_ = found->cut_bytes;
  journal->start_upkeep(found->next_base);
  journal->acked_ = journal->folding_to_;
  journal->upkeep_->set_checkpoint_bytes(found->checkpoint_bytes);
  if (!found->notice.empty()) journal->log(LogLevel::warning, found->notice);
  if (found->cut_bytes > 0) {
    journal->log(LogLevel::warning,
                 "The journal's torn end was cut: " + std::to_string(found->cut_bytes) + " bytes.");
  }
  if (auto begun = journal->begin_anew(); !begun) return std::unexpected(begun.error());
  journal->opened_ = true;
  return journal;
}

Journal::~Journal() {
  if (opened_) close();
}

void Journal::close() {
  upkeep_.reset();
  int error = 0;
  for (const auto& segment : segments_) {
    if (error == 0) error = segment->flush(disk_);
  }
  if (error != 0) {
    log(LogLevel::error, std::string("The journal could not be flushed: ") + std::strerror(error));
    return;
  }
  identity_.running = false;
  if (auto written = write_identity(dir_, identity_); !written) log(LogLevel::error, written.error().message);
}

void Journal::start_upkeep(Offset next_base) {
  UpkeepSettings settings;
  settings.dir = dir_;
  settings.lineage = identity_.lineage;
  settings.segment_bytes = options_.segment_bytes;
  settings.spares = options_.spare_segments;
  if (options_.sync == SyncPolicy::interval) settings.flush_interval = options_.sync_interval;
  settings.retry_min = options_.retry_min;
  settings.retry_max = options_.retry_max;
  settings.disk = &disk_;
  upkeep_ = std::make_unique<Upkeep>(std::move(settings), next_base);
  folding_to_ = segments_.empty() ? next_base : segments_.front()->base();
}

// Makes spares, and a segment to write to when there is none yet.
Result<> Journal::begin_anew() {
  for (const auto& segment : segments_) upkeep_->watch(segment);
  const bool first = segments_.empty();
  const Result<> prepared = upkeep_->prepare(options_.spare_segments + (first ? 1 : 0));
  if (first && !rotate()) return prepared ? fail(Errc::internal, "The journal has no segment.") : prepared;
  // With records to deliver, go on: trimming them is what makes space.
  if (!prepared) log(LogLevel::error, prepared.error().message);
  return {};
}

std::expected<Offset, AppendError> Journal::append(const wire::Record& record) {
  if (!broken_.empty()) return std::unexpected(AppendError::broken);
  const std::size_t size = wire::record_size(record);
  if (size > wire::kRecordMax || size > options_.segment_bytes - kSegmentHeader)
    return std::unexpected(AppendError::too_large);
  if (end() + size - acked_ > options_.max_bytes) return std::unexpected(AppendError::backlog_full);
  if (segments_.empty() || segments_.back()->used() + size > segments_.back()->capacity()) {
    if (!rotate()) return std::unexpected(AppendError::no_space);
  }
  Segment& segment = *segments_.back();
  const std::uint64_t used = segment.used();
  wire::write_record(record, segment.records() + used);
  segment.set_used(used + size);
  if (options_.sync == SyncPolicy::always && !make_durable(segment, used))
    return std::unexpected(AppendError::broken);
  numbers_.apply(record);
  return segment.end();
}

// Goes on in the next segment; false when none is ready.
bool Journal::rotate() {
  if (holds_too_much()) return false;
  std::shared_ptr<Segment> next = upkeep_->take_spare();
  if (!next) return false;
  next->begin(segments_.empty() ? 0 : segments_.back()->used());
  upkeep_->watch(next);
  segments_.push_back(std::move(next));
  return true;
}

// Acknowledged records that no checkpoint could be written for must not fill the disk. What is held in good
// order is the backlog, a fold under way and one being gathered.
bool Journal::holds_too_much() const {
  return end() - start() >
         2 * options_.max_bytes + 4 * options_.segment_bytes + 4 * upkeep_->checkpoint_bytes();
}

// Takes the record at `from` back when the disk refuses it: nobody was told that it was accepted.
bool Journal::make_durable(Segment& segment, std::uint64_t from) {
  char* begin = segment.records() + from;
  const char* flushed =
      from == 0 ? begin - kSegmentHeader : begin;  // a new segment's header tells that it was begun
  const int error =
      disk_.sync_range(flushed, static_cast<std::size_t>(segment.records() + segment.used() - flushed));
  if (error == 0) return true;
  std::memset(begin, 0, segment.used() - from);
  segment.set_used(from);
  broken_ = "Can't flush " + segment.path().string() + ": " + std::strerror(error);
  log(LogLevel::error, broken_ + ". No message is accepted until the broker is started again.");
  return false;
}

std::string Journal::trouble() const {
  if (!broken_.empty()) return broken_;
  if (holds_too_much()) return "The journal can't be trimmed.";
  std::string trouble = upkeep_->trouble();
  if (trouble.empty() && upkeep_->spares() == 0) trouble = "The journal's disk is slower than the messages.";
  return trouble;
}

Offset Journal::start() const {
  return segments_.empty() ? acked_ : segments_.front()->base();
}

Offset Journal::end() const {
  return segments_.empty() ? acked_ : segments_.back()->end();
}

// Of the segment that `offset` lies in; `offset` must be in [start, end] and segments_ not empty.
std::size_t Journal::index_of(Offset offset) const {
  const auto behind =
      std::ranges::upper_bound(segments_, offset, {}, [](const auto& s) { return s->base(); });
  return static_cast<std::size_t>(behind - segments_.begin()) - 1;
}

bool Journal::is_boundary(Offset offset) const {
  if (offset < start() || offset > end()) return false;
  if (offset == end()) return true;
  const Segment& segment = *segments_[index_of(offset)];
  const std::string_view written = segment.written();
  std::size_t at = 0;
  while (segment.base() + at < offset && at < written.size()) at += record_extent(written.substr(at));
  return segment.base() + at == offset;
}

Result<JournalRun> Journal::read(Offset offset, std::size_t max_bytes, Offset limit) const {
  if (offset < start() || offset > end()) {
    return fail(Errc::invalid_argument, "The journal does not hold offset " + std::to_string(offset) + ".");
  }
  JournalRun run{offset, offset, 0, {}};
  if (offset == end()) return run;
  std::size_t index = index_of(offset);
  std::uint64_t at = offset - segments_[index]->base();
  while (at >= segments_[index]->used() && index + 1 < segments_.size()) {
    ++index;
    at = 0;
  }
  const Segment& segment = *segments_[index];
  if (at == 0) segment.will_need();
  const std::string_view rest = segment.written().substr(at);
  std::size_t taken = 0;
  while (taken < rest.size()) {
    const std::size_t extent = record_extent(rest.substr(taken));
    if (extent == 0 || segment.base() + at + taken + extent > limit) break;
    if (run.count > 0 && taken + extent > max_bytes) break;
    taken += extent;
    ++run.count;
  }
  if (run.count == 0) {
    if (at == 0) run.to = std::min(std::max(segment.base(), offset), limit);
    return run;
  }
  run.bytes = rest.substr(0, taken);
  const bool all_of_full_one = taken == rest.size() && index + 1 < segments_.size();
  run.to = std::min(all_of_full_one ? segment.next_base() : segment.base() + at + taken, limit);
  return run;
}

void Journal::trim(Offset offset) {
  acked_ = std::max(acked_, std::min(offset, end()));
  reap();
  fold_when_due();
}

void Journal::tick() {
  reap();
  fold_when_due();
  if (!upkeep_->has_log()) return;
  for (const auto& [level, line] : upkeep_->take_log()) log(level, line);
}

// Lets go of segments that a checkpoint has taken the place of. Closing them is left to the thread: it takes
// milliseconds.
void Journal::reap() {
  const Offset covered = upkeep_->covered();
  if (segments_.empty() || segments_.front()->base() >= covered) return;
  std::vector<std::shared_ptr<Segment>> gone;
  while (segments_.front()->base() < covered) {
    gone.push_back(std::move(segments_.front()));
    segments_.pop_front();
  }
  upkeep_->discard(std::move(gone));
}

// A checkpoint is written when what it lets go is at least as large as itself: each byte is written at most
// once more on average.
void Journal::fold_when_due() {
  if (upkeep_->folding() || segments_.empty()) return;
  const std::uint64_t enough = std::max(options_.segment_bytes - kSegmentHeader, upkeep_->checkpoint_bytes());
  FoldJob job;
  std::uint64_t bytes = 0;
  // Not before the next segment's base is acknowledged: a consumer that stopped at this one's unused end must
  // find its offset held.
  for (auto segment = segments_.begin(); segment + 1 != segments_.end() && (*segment)->next_base() <= acked_;
       ++segment) {
    if ((*segment)->base() < folding_to_) continue;
    if (bytes >= 2 * enough) break;
    bytes += (*segment)->capacity();
    job.segments.push_back(*segment);
  }
  if (job.segments.empty() || (bytes < enough && !outdated(*job.segments.front()))) return;
  folding_to_ = job.covers();
  job.dir = dir_;
  job.lineage = identity_.lineage;
  job.ref_window = options_.ref_window;
  job.ref_max = options_.ref_max;
  job.forgotten = forgotten_rooms(job.covers());
  upkeep_->start_fold(std::move(job));
}

bool Journal::outdated(const Segment& segment) const {
  std::size_t size = 0;
  const auto first = wire::read_record(segment.written(), size);
  return first && first->at_ms < outdated_before_ms_;
}

void Journal::retire(WallTime now) {
  const auto before = to_ms(now - options_.ref_window / 2);
  if (before < outdated_before_ms_ + kRetireEvery.count() && before >= outdated_before_ms_) return;
  outdated_before_ms_ = before;
  if (!segments_.empty() && segments_.back()->used() > 0 && outdated(*segments_.back())) (void)rotate();
}

// For a checkpoint up to `covers`; what it can be rid of for good is dropped from the list.
std::vector<std::uint64_t> Journal::forgotten_rooms(Offset covers) {
  std::vector<std::uint64_t> rooms;
  rooms.reserve(forgotten_.size());
  for (const Forgotten& f : forgotten_) rooms.push_back(f.room_id);
  std::ranges::sort(rooms);
  while (!forgotten_.empty() && forgotten_.front().end <= covers) forgotten_.pop_front();
  return rooms;
}

void Journal::forget(std::uint64_t room_id) {
  numbers_.forget(room_id);
  forgotten_.push_back({room_id, end()});
  if (forgotten_.size() > kForgottenMax) forgotten_.pop_front();
}

Result<> Journal::open_for_messages() {
  if (identity_.open_for_messages) return {};
  Identity next = identity_;
  next.open_for_messages = true;
  if (auto written = write_identity(dir_, next); !written)
    return fail(Errc::unavailable, written.error().message);
  identity_ = std::move(next);
  return {};
}

Result<> Journal::renew() {
  Identity next = identity_;
  next.id = random_id(kJournalIdChars);
  next.lineage = random_id(kJournalIdChars);
  next.open_for_messages = false;
  const Offset next_base = segments_.empty() ? acked_ : segments_.back()->next_base();
  upkeep_->stop();  // nobody else writes to the folder now
  reap();
  const std::uint64_t checkpoint_bytes = upkeep_->checkpoint_bytes();
  if (auto entered = enter_new_lineage(next); !entered) {
    start_upkeep(next_base);
    upkeep_->set_checkpoint_bytes(checkpoint_bytes);
    if (auto begun = begin_anew(); !begun) log(LogLevel::error, begun.error().message);
    return entered;
  }
  segments_.clear();
  forgotten_.clear();
  acked_ = 0;
  start_upkeep(0);
  if (auto removed = remove_old_files(); !removed) {
    broken_ = removed.error().message;
    return removed;
  }
  return begin_anew();
}

// From write_identity on the new journal counts (recovery.cc, finish_renewal).
Result<> Journal::enter_new_lineage(const Identity& next) {
  const CheckpointInfo info{next.lineage, 0, numbers_.refs().clock_ms()};
  const auto bytes = write_checkpoint(dir_ / kRenewedCheckpointName, info, numbers_);
  if (!bytes) return std::unexpected(bytes.error());
  const Result<> written = write_identity(dir_, next);
  // In doubt: the new one stands in the folder, and only a power cut now could bring the old one back.
  if (!written && written.error().code != Errc::in_doubt)
    return fail(Errc::unavailable, written.error().message);
  identity_ = next;
  return {};
}

Result<> Journal::remove_old_files() {
  std::error_code error;
  for (fs::directory_iterator it(dir_, error), end; !error && it != end;) {
    const fs::path path = it->path();
    it.increment(error);
    if (!error && Segment::base_of(path.filename().string())) fs::remove(path, error);
  }
  if (!error) fs::rename(dir_ / kRenewedCheckpointName, dir_ / kCheckpointName, error);
  if (error)
    return fail(Errc::unavailable,
                "The old journal can't be removed from " + dir_.string() + ": " + error.message());
  return sync_directory(dir_);
}

JournalStats Journal::stats() const {
  JournalStats stats;
  stats.backlog_bytes = end() - acked_;
  stats.segments = segments_.size();
  stats.spares = upkeep_->spares();
  stats.checkpoint_bytes = upkeep_->checkpoint_bytes();
  stats.rooms = numbers_.rooms().size();
  stats.refs = numbers_.refs().size();
  stats.refs_evicted = numbers_.refs().evicted();
  stats.recovered_records = recovered_records_;
  stats.cut_bytes = cut_bytes_;
  return stats;
}

bool Journal::settle(std::chrono::milliseconds bound) {
  const auto until = std::chrono::steady_clock::now() + bound;
  for (;;) {
    const auto left = until - std::chrono::steady_clock::now();
    if (!upkeep_->settle(std::chrono::duration_cast<std::chrono::milliseconds>(left))) return false;
    const std::size_t held = segments_.size();
    tick();
    if (segments_.size() == held && !upkeep_->folding()) return true;
  }
}

void Journal::log(LogLevel level, std::string_view line) const {
  if (options_.log) options_.log(level, line);
}

}  // namespace parley::plugin
