#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/result.h"
#include "plugin/journal/disk.h"
#include "plugin/journal/identity.h"
#include "plugin/journal/numbers.h"
#include "plugin/journal/segment.h"
#include "wire/record.h"

namespace parley::plugin {

class Upkeep;

// Bytes of records since the journal began. Grows only; a segment's unused end is skipped over.
using Offset = std::uint64_t;

enum class SyncPolicy {
  off,       // nobody waits for the disk; whole segments are flushed by the journal's thread when full
  interval,  // the journal's thread flushes every sync_interval
  always,    // append() returns when the record is on disk: the stated exception to "the broker never waits"
};

struct JournalOptions {
  std::uint64_t segment_bytes =
      16 << 20;  // a segment file, header included; multiple of 8, 4 KiB…1 GiB. Takes effect on new ones
  std::uint64_t max_bytes = 1ull << 30;  // unacknowledged bytes beyond which append() says backlog_full
  SyncPolicy sync = SyncPolicy::off;
  std::chrono::milliseconds sync_interval{1000};
  std::chrono::milliseconds ref_window{std::chrono::hours{24}};  // how long a ref is remembered, at least
  std::size_t ref_max =
      2'000'000;  // refs remembered at most (about 64 bytes each); then the oldest go early, counted
  std::size_t spare_segments = 2;             // kept ready ahead of the one being written
  std::chrono::milliseconds retry_min{100};   // the thread's back-off after a failure doubles from this …
  std::chrono::milliseconds retry_max{5000};  // … up to this
  LogSink log;           // called on the caller's thread only: in open(), tick(), renew(), ~Journal
  Disk* disk = nullptr;  // nullptr: system_disk()
  std::string boot_id = current_boot_id();
  std::string place;  // "": place_of the folder's lock file
};

enum class AppendError {
  backlog_full,  // max_bytes are unacknowledged: the consumer must catch up
  no_space,      // no segment is ready: the disk is full, or slower than the messages (trouble() says which)
  too_large,     // above wire::kRecordMax, or larger than a segment
  broken,  // the disk refused a flush (SyncPolicy::always) or half of a renewal: nothing is accepted until a
           // restart
};

struct JournalRun {  // whole records of one segment
  Offset from = 0,
         to = 0;  // `to` may be beyond from + bytes.size(): where a segment ended, it is the next one's base
  std::uint32_t count = 0;
  std::string_view bytes;
};

struct JournalStats {
  std::uint64_t backlog_bytes = 0;  // unacknowledged
  std::uint64_t segments = 0;       // with records, on disk
  std::uint64_t spares = 0;
  std::uint64_t checkpoint_bytes = 0;
  std::uint64_t rooms = 0;
  std::uint64_t refs = 0;
  std::uint64_t refs_evicted = 0;       // forgotten before ref_window because of ref_max
  std::uint64_t recovered_records = 0;  // read at open()
  std::uint64_t cut_bytes = 0;          // of a torn tail, at open()
};

// The write-ahead log of everything the broker accepted, in memory-mapped segment files, with each room's
// last number and the recent refs beside it. What append() took survives a killed process; with
// SyncPolicy::always a power cut too.
//
// Threads: all methods belong to one thread, the broker's. One thread of its own prepares segments, flushes,
// writes checkpoints and removes what is acknowledged; it never touches what the broker's thread writes to.
// Blocking: append() makes no system call but for one short lock when a segment is full (and msync with
// `always`); open() and renew() and the destructor block on the disk; everything else does not. Folder:
// journal.id, journal.lock, checkpoint, <base>.seg (see identity.cc, checkpoint.cc, segment.cc). One process
// at a time. Nothing else may write there.
//
// After a power cut without `always` the end of the log may be missing, numbers included. That is noticed
// (the machine started anew and the journal was not closed): what is left is kept, the journal gets a new id,
// and so every room a new epoch on the next attach. The same when the folder is a copy: it may lack what the
// original took since, and nobody but the consumer can tell. Damage that a power cut can't explain is never
// repaired: open() says `corrupt`.
class Journal {
 public:
  // Opens or makes the journal in `dir` (made too). Cuts a torn tail, rebuilds numbers(). Errors:
  //   unavailable       in use by another process, disk full, I/O error: nothing is lost, try again
  //   permission_denied the folder
  //   corrupt           a sentence naming file and position, and what to do; nothing was changed
  //   invalid_argument  options
  static Result<std::unique_ptr<Journal>> open(const std::filesystem::path& dir,
                                               const JournalOptions& options);
  ~Journal();  // flushes and marks the folder as closed
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Writes the record and takes it into numbers(); returns the offset behind it. On an error nothing is
  // changed.
  std::expected<Offset, AppendError> append(const wire::Record& record);
  // Why append() says no_space or broken, for people. "" when nothing is wrong.
  std::string trouble() const;

  const std::string& id() const { return identity_.id; }
  Offset start() const;                    // the oldest record held
  Offset end() const;                      // behind the newest
  Offset acked() const { return acked_; }  // all before is stored; after open() equal to start()
  // Does a record begin, or the journal end, at `offset`? Walks one segment's lengths (≤ 1 ms).
  bool is_boundary(Offset offset) const;

  // The records from `offset` on, up to `max_bytes` of them but at least one, none that ends behind `limit`;
  // empty (to == from) when there is none. Never crosses a segment. `bytes` is valid until the next trim(),
  // tick() or renew(). `offset` must be a boundary. invalid_argument: it is outside [start, end].
  Result<JournalRun> read(Offset offset, std::size_t max_bytes, Offset limit = ~Offset{0}) const;

  // All before `offset` is stored by the consumer. Segments go later, when a checkpoint has taken their
  // place; until then start() stays. An offset below acked() is ignored, one above end() counts as end().
  void trim(Offset offset);
  // Lets go of what the thread has finished with, starts the next checkpoint, passes on its log lines. Call
  // at every broker tick.
  void tick();

  // Goes on in a new segment when what is in this one is older than half of ref_window, so that nothing stays for longer
  // than ref_window because nobody writes. Call often; costs nothing as a rule.
  void retire(WallTime now);

  // Begins an empty journal with a new id; all records held are dropped, numbers() kept (durably, before the
  // id changes). It takes no messages before open_for_messages(). For a journal whose consumer is ahead of
  // it: an old copy put back. unavailable: nothing was changed, when id() is the old one; else append() says
  // no_space until there is space, or broken.
  Result<> renew();

  // A journal with a new id takes no messages until a consumer agreed to the numbers. Durable. unavailable:
  // not done.
  bool is_open_for_messages() const { return identity_.open_for_messages; }
  Result<> open_for_messages();

  const Numbers& numbers() const { return numbers_; }
  // Continues the room above `seq` from now on. Not written down: told again after a restart.
  void raise_floor(std::uint64_t room_id, std::uint64_t seq) { numbers_.raise(room_id, seq); }
  // The room is gone for good and its number never comes back. Best effort: after a restart 16 bytes of it
  // may stay.
  void forget(std::uint64_t room_id);

  const std::filesystem::path& dir() const { return dir_; }
  JournalStats stats() const;
  // Waits until the thread has nothing left to do, up to `bound`; false when time ran out. For tests and
  // orderly stops.
  bool settle(std::chrono::milliseconds bound);

 private:
  struct Forgotten {
    std::uint64_t room_id;
    Offset end;  // of the journal, when it was forgotten
  };

  Journal(std::filesystem::path dir, const JournalOptions& options, Fd lock);
  Result<> begin_anew();
  void start_upkeep(Offset next_base);
  Result<> enter_new_lineage(const Identity& next);
  Result<> remove_old_files();
  bool rotate();
  bool holds_too_much() const;
  bool make_durable(Segment& segment, std::uint64_t from);
  void reap();
  void fold_when_due();
  bool outdated(const Segment& segment) const;
  std::vector<std::uint64_t> forgotten_rooms(Offset covers);
  void close();
  std::size_t index_of(Offset offset) const;
  void log(LogLevel level, std::string_view line) const;

  std::filesystem::path dir_;
  JournalOptions options_;
  Disk& disk_;
  Fd lock_;
  Identity identity_;
  Numbers numbers_;
  std::deque<std::shared_ptr<Segment>>
      segments_;  // oldest first; the last one is written to. Empty only without space after renew()
  std::unique_ptr<Upkeep> upkeep_;
  Offset acked_ = 0;
  std::int64_t outdated_before_ms_ = 0;  // segments that begin with an older record are folded without delay
  Offset folding_to_ = 0;                // what lies before is in a checkpoint, or in the fold under way
  std::deque<Forgotten> forgotten_;
  std::string broken_;
  std::uint64_t recovered_records_ = 0;
  std::uint64_t cut_bytes_ = 0;
  bool opened_ = false;
};

}  // namespace parley::plugin
