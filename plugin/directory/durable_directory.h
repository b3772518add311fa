#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/log.h"
#include "base/result.h"
#include "plugin/directory/directory.h"
#include "plugin/directory/replacement.h"

namespace parley::plugin {

struct DurableDirectoryOptions {
  std::size_t provisional_users_max = kProvisionalUsersDefault;
  // A log larger than this and than the snapshot is folded into a new snapshot.
  std::uint64_t log_bytes_min = 16 << 20;
  LogSink log = [](LogLevel, std::string_view) {};
  // For tests: called after each step that changed the folder, by the thread that did it.
  std::function<void(std::string_view)> after_step = [](std::string_view) {};
};

// The Directory, and its copy on disk: every change is with the kernel before it counts, so a broker that is
// killed and started again enforces the newest rights without the backend. Nothing is synced to the platter
// on the caller's thread: after a loss of power the newest changes may be missing, and the backend sends them
// again by version.
//
// Threads: one, the broker's. A thread of its own folds the log and puts a replacement in place, one such job
// at a time; it reads the live Directory only while apply() is refused, and destroying this waits for it.
//
// Blocking: apply() and replace_part() write(2); nothing here waits for a disk otherwise.
//
// Memory: folding a log holds a second Directory for as long as it takes (seconds at ten million
// memberships), a replacement likewise.
//
// The folder is this object's alone while it lives (a lock file says so to a second broker).
class DurableDirectory {
 public:
  // Reads the folder, made if missing. Files that are not as they were written are no reason to fail, but to
  // trust nobody: the Directory is then empty with id "" (the backend, seeing another id, sends everything),
  // the sentence goes to the log and to open_problem(). Errors: permission_denied, unavailable (the folder
  // can't be read or written, or another process holds it).
  static Result<std::unique_ptr<DurableDirectory>> open(const std::filesystem::path& dir,
                                                        DurableDirectoryOptions options = {});
  ~DurableDirectory();
  DurableDirectory(const DurableDirectory&) = delete;
  DurableDirectory& operator=(const DurableDirectory&) = delete;

  const std::string& id() const { return id_; }  // "" when there is none yet
  std::uint64_t version() const { return version_; }
  const std::string& open_problem() const { return open_problem_; }  // "" when all was well

  // The Directory of this moment. Another object after a replacement came into force (in tick): do not keep
  // the reference.
  const Directory& live() const { return *live_; }
  // Provisional users are not durable; see Directory.
  Result<> add_provisional(std::string_view name) { return live_->add_provisional(name); }
  void remove_provisional(std::string_view name) { live_->remove_provisional(name); }

  // Moves from version `from` to `to`: all the changes or none, on disk before in memory. What sessions it
  // ends is returned. `to` at or below version(): nothing is done, ok, no effects. A replacement that has not
  // come whole is given up. invalid_argument: `from` above version(), no Directory yet (id ""), or a change
  // that can't apply (says which); already_exists likewise; unavailable: not written, or a replacement is
  // being put in place: nothing was changed, retry.
  Result<Effects> apply(std::uint64_t from, std::uint64_t to, std::span<const wire::DirectoryChange> changes);

  // The whole Directory anew, in parts, built aside while the live one goes on being used. begin_replace
  // gives up one that had begun. After an error of any of these the replacement is gone, the live Directory
  // as before; begin again.
  Result<> begin_replace(std::string_view id, std::uint64_t to);
  Result<> replace_part(std::span<const wire::DirectoryChange> changes);
  // All parts came. It comes into force in a later tick(), which tells; until then apply() and
  // begin_replace() are `unavailable`.
  Result<> finish_replace();
  void abandon_replace();  // one that is not finished yet
  // True between finish_replace and the tick that tells its end.
  bool replacing() const { return replacement_ && replacement_->finished; }

  // Sweeps up what the background thread has done and starts what is due; call it often. Returns, once for
  // each finish_replace, either what sessions the new Directory ends (it is live() now), or why it did not
  // come into force (the old one stays).
  std::optional<Result<Effects>> tick();
  // Waits until the background thread has nothing to do, then returns as tick() does. For tests and for an
  // orderly end.
  std::optional<Result<Effects>> wait_idle();

  std::uint64_t log_bytes() const { return log_bytes_; }  // in logs not folded yet
  std::uint64_t snapshot_bytes() const { return snapshot_bytes_; }

 private:
  // What the background thread did.
  struct JobDone {
    enum class Kind { compaction, replacement, disposal } kind;
    Result<std::uint64_t> snapshot_bytes;
    Effects effects;
  };
  struct Replacing {
    DirectoryReplacement build;
    bool finished = false;  // all parts came
    bool started = false;   // the background thread has it
  };

  DurableDirectory(const std::filesystem::path& dir, DurableDirectoryOptions options);
  Result<> take_lock();
  Result<> load();
  Result<> open_log();
  Result<> append(std::string_view payload);
  Result<Effects> apply_all(std::span<const wire::DirectoryChange> changes);
  void start(JobDone::Kind kind, std::function<Result<std::uint64_t>(Effects&)> work);
  void start_what_is_due();
  void start_compaction();
  void start_replacement();
  std::optional<Result<Effects>> finish_job(JobDone done);
  void finish_compaction(const Result<std::uint64_t>& snapshot_bytes);
  Result<Effects> finish_replacement(JobDone done);
  void adopt(DirectoryReplacement& build, Effects& effects);

  std::filesystem::path dir_;
  DurableDirectoryOptions options_;
  Fd lock_;
  std::string id_;
  std::uint64_t version_ = 0;
  std::unique_ptr<Directory> live_;
  std::string open_problem_;
  std::uint64_t log_number_ = 0;  // the log that takes changes
  Fd log_;                        // open once it has been written to
  std::uint64_t log_bytes_ = 0;
  std::uint64_t snapshot_bytes_ = 0;
  std::uint64_t compact_above_ = 0;     // log bytes; after a compaction that failed
  std::uint64_t compacting_bytes_ = 0;  // of the logs the background thread folds
  std::unique_ptr<Replacing> replacement_;
  std::future<JobDone> job_;
};

}  // namespace parley::plugin
