#include "plugin/journal/recovery.h"

#include <algorithm>
#include <map>
#include <optional>
#include <system_error>

#include "base/ids.h"
#include "plugin/journal/checkpoint.h"
#include "plugin/journal/scan.h"

namespace parley::plugin {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWhatToDo =
    " Nothing was changed. Put the folder back from a copy; or move it away to keep it, and start with an "
    "empty one: "
    "messages that the backend has not stored are then missing, and every room gets a new epoch.";

std::unexpected<Error> damaged(const std::string& what) {
  return fail(Errc::corrupt, what + kWhatToDo);
}

std::unexpected<Error> damaged_at(const Segment& segment, std::uint64_t at, const std::string& what) {
  return damaged(segment.path().string() + " is damaged at byte " + std::to_string(kSegmentHeader + at) +
                 " (journal offset " + std::to_string(segment.base() + at) + "): " + what);
}

bool is_temporary(const std::string& name) {
  return name.ends_with(".tmp") || (name.starts_with("journal.id.") || name.starts_with("feed.generation."));
}

// One run over a folder, in three acts: look, read, tidy.
class Recovery {
 public:
  Recovery(const fs::path& dir, const std::string& boot_id, const std::string& place, Numbers& numbers)
      : dir_(dir), boot_id_(boot_id), place_(place), numbers_(numbers) {}

  Result<Recovered> run() {
    using Act = Result<> (Recovery::*)();
    constexpr Act acts[] = {&Recovery::list,
                            &Recovery::identify,
                            &Recovery::finish_renewal,
                            &Recovery::load_checkpoint,
                            &Recovery::open_segments,
                            &Recovery::read_segments,
                            &Recovery::tidy};
    for (const Act act : acts) {
      if (auto done = (this->*act)(); !done) return std::unexpected(done.error());
    }
    return std::move(out_);
  }

 private:
  Result<> list();
  Result<> identify();
  Result<> finish_renewal();
  Result<> load_checkpoint();
  Result<> open_segments();
  Result<> drop_spares(std::vector<fs::path> behind);
  Result<> read_segments();
  Result<> read_segment(std::size_t index);
  Result<> judge_end(std::size_t index, const ScanEnd& end);
  Result<> judge_damage(std::size_t index, std::uint64_t at, const std::string& what);
  Result<> tidy();
  void cut_last();

  const fs::path& dir_;
  const std::string& boot_id_;
  const std::string& place_;
  Numbers& numbers_;
  Recovered out_;
  std::map<std::uint64_t, fs::path> files_;  // by base
  std::vector<fs::path> to_remove_;
  std::uint64_t covers_ = 0;
  bool power_cut_ = false;
  bool copied_ = false;
  std::optional<std::uint64_t> cut_last_at_;  // bytes of records to keep of the last segment
};

Result<> Recovery::list() {
  std::error_code error;
  for (fs::directory_iterator it(dir_, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (const auto base = Segment::base_of(name)) {
      files_.emplace(*base, it->path());
    } else if (is_temporary(name)) {
      to_remove_.push_back(it->path());
    }
  }
  if (error) return fail(Errc::unavailable, "Can't list " + dir_.string() + ": " + error.message());
  return {};
}

Result<> Recovery::identify() {
  Result<Identity> identity = read_identity(dir_);
  if (identity) {
    out_.identity = std::move(*identity);
    power_cut_ = may_have_lost_end(out_.identity, boot_id_);
    copied_ = may_be_old_copy(out_.identity, place_);
    return {};
  }
  if (identity.error().code != Errc::not_found) return std::unexpected(identity.error());
  std::error_code ignored;
  if (!files_.empty() || fs::exists(dir_ / kCheckpointName, ignored)) {
    return damaged(dir_.string() + " holds a journal's files, but journal.id is missing.");
  }
  out_.identity = new_identity();
  return {};
}

// A renewal wrote the new journal's first checkpoint, then the new identity, then removed the old files: from
// the second on it counts.
Result<> Recovery::finish_renewal() {
  const fs::path renewed = dir_ / kRenewedCheckpointName;
  const Result<Checkpoint> checkpoint = Checkpoint::open(renewed);
  if (!checkpoint) {
    if (checkpoint.error().code == Errc::corrupt) to_remove_.push_back(renewed);
    return checkpoint.error().code == Errc::unavailable ? Result<>(std::unexpected(checkpoint.error()))
                                                        : Result<>();
  }
  if (checkpoint->info().lineage != out_.identity.lineage) {
    to_remove_.push_back(renewed);
    return {};
  }
  std::error_code error;
  for (const auto& [base, path] : files_) {
    fs::remove(path, error);
    if (error) return fail(Errc::unavailable, "Can't remove " + path.string() + ": " + error.message());
  }
  files_.clear();
  fs::rename(renewed, dir_ / kCheckpointName, error);
  if (error) return fail(Errc::unavailable, "Can't rename " + renewed.string() + ": " + error.message());
  return sync_directory(dir_);
}

Result<> Recovery::load_checkpoint() {
  const fs::path path = dir_ / kCheckpointName;
  const Result<Checkpoint> checkpoint = Checkpoint::open(path);
  if (!checkpoint) {
    if (checkpoint.error().code == Errc::not_found) return {};
    if (checkpoint.error().code == Errc::corrupt) return damaged(checkpoint.error().message);
    return std::unexpected(checkpoint.error());
  }
  if (checkpoint->info().lineage != out_.identity.lineage) {
    return damaged(path.string() + " belongs to another journal than journal.id.");
  }
  checkpoint->load(numbers_);
  covers_ = checkpoint->info().covers;
  out_.checkpoint_bytes = checkpoint->bytes();
  while (!files_.empty() && files_.begin()->first < covers_) {
    to_remove_.push_back(files_.extract(files_.begin()).mapped());
  }
  return {};
}

// Opens the segments that were begun: the first from covers_ on, each where the one before ends. Behind them
// only blank files may stand.
Result<> Recovery::open_segments() {
  out_.next_base = covers_;
  std::vector<fs::path> behind;
  for (const auto& [base, path] : files_) {
    Result<std::shared_ptr<Segment>> segment = Segment::open(path, MappedFile::Access::write);
    if (!segment && segment.error().code != Errc::corrupt) return std::unexpected(segment.error());
    const bool begun = segment && (*segment)->begun();
    if (segment && (!begun || !behind.empty()) && (*segment)->durable() > 0)
      return damaged(path.string() + " lost its beginning.");
    if (!begun || (power_cut_ && !behind.empty())) {
      behind.push_back(path);
      continue;
    }
    if (!behind.empty())
      return damaged(behind.front().string() + " has no sound header, but the journal goes on behind it.");
    if ((*segment)->lineage() != out_.identity.lineage)
      return damaged(path.string() + " belongs to another journal than journal.id.");
    if (base != (*segment)->base() || base != out_.next_base || (*segment)->next_base() < base) {
      return damaged("The journal's segment that begins at offset " + std::to_string(out_.next_base) +
                     " is missing, before " + path.string() + ".");
    }
    out_.next_base = (*segment)->next_base();
    (*segment)->will_need();
    out_.segments.push_back(std::move(*segment));
  }
  return drop_spares(std::move(behind));
}

Result<> Recovery::drop_spares(std::vector<fs::path> behind) {
  for (fs::path& path : behind) {
    const Result<bool> blank = Segment::is_blank(path);
    if (!blank) return std::unexpected(blank.error());
    if (!*blank && !power_cut_) return damaged(path.string() + " holds records, but its header is damaged.");
    to_remove_.push_back(std::move(path));
  }
  return {};
}

Result<> Recovery::read_segments() {
  for (std::size_t i = 0; i < out_.segments.size(); ++i) {
    if (auto read = read_segment(i); !read) return read;
  }
  return {};
}

Result<> Recovery::read_segment(std::size_t index) {
  Segment& segment = *out_.segments[index];
  bool nameless_room = false;
  const ScanEnd end = scan_records(segment.area(), [&](const wire::Record& record) {
    numbers_.apply(record);
    nameless_room |= record.room_id == 0;
    ++out_.records;
  });
  if (nameless_room) return damaged(segment.path().string() + " holds a record of no room.");
  segment.set_used(end.at);
  return judge_end(index, end);
}

// Is the end of this segment's records the end it had? May shorten out_.segments.
Result<> Recovery::judge_end(std::size_t index, const ScanEnd& end) {
  const Segment& segment = *out_.segments[index];
  if (index + 1 < out_.segments.size()) {
    if (end.at == out_.segments[index + 1]->begun()) return {};
    return judge_damage(index, end.at, "the segment behind it says that more was written.");
  }
  if (end.at < segment.durable()) return judge_damage(index, end.at, "more was on disk.");
  const bool zeros = segment.area().find_first_not_of('\0', end.at) == std::string_view::npos;
  if (zeros) return {};
  if (record_follows(segment.area(), end.at))
    return judge_damage(index, end.at, "there are sound records behind it.");
  cut_last_at_ = end.at;
  return {};
}

Result<> Recovery::judge_damage(std::size_t index, std::uint64_t at, const std::string& what) {
  const Segment& segment = *out_.segments[index];
  if (!power_cut_ || at < segment.durable()) return damaged_at(segment, at, what);
  cut_last_at_ = at;
  while (out_.segments.size() > index + 1) {  // the last one first, so that a stop in between leaves no gap
    out_.cut_bytes += out_.segments.back()->capacity();
    to_remove_.push_back(out_.segments.back()->path());
    out_.segments.pop_back();
  }
  out_.next_base = segment.next_base();
  return {};
}

// Until the caller writes the identity anew, a stop in here leaves a folder that the next start judges the
// same way.
Result<> Recovery::tidy() {
  for (const fs::path& path : to_remove_) {
    std::error_code error;
    fs::remove(path, error);
    if (error) return fail(Errc::unavailable, "Can't remove " + path.string() + ": " + error.message());
  }
  if (cut_last_at_) cut_last();
  if (!power_cut_ && !copied_) return {};
  out_.identity.id = random_id(kJournalIdChars);
  out_.identity.open_for_messages = false;
  out_.notice = power_cut_
                    ? "The machine stopped while the journal was open and not synced: the newest messages "
                      "may be missing."
                    : "The journal's folder is a copy of the one that was used last: what was written there "
                      "since may be missing.";
  out_.notice +=
      " The journal gets a new id; rooms take messages again when the backend has attached, and get "
      "new epochs.";
  return {};
}

void Recovery::cut_last() {
  Segment& last = *out_.segments.back();
  const std::size_t behind = last.area().find_last_not_of('\0');
  if (behind != std::string_view::npos && behind >= *cut_last_at_)
    out_.cut_bytes += behind + 1 - *cut_last_at_;
  last.cut(*cut_last_at_);
}

}  // namespace

Result<Recovered> recover(const fs::path& dir, const std::string& boot_id, const std::string& place,
                          Numbers& numbers) {
  return Recovery(dir, boot_id, place, numbers).run();
}

}  // namespace parley::plugin
