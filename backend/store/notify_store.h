#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backend/store/push_store.h"
#include "base/clock.h"
#include "base/result.h"
#include "wire/names.h"

namespace parley::backend {

// What decides whether a member is told of a message (notify/rules.h), but for what only this moment knows.
struct NotifyCandidate {
  std::string user;
  wire::Role role = wire::Role::none;  // none: no member (any more)
  std::uint64_t read = 0;              // their mark
  RoomNotify room{};
  QuietHours quiet{};
  std::vector<std::string> blocked{};  // of CandidateQuery::senders, those they have blocked
  struct Target {
    std::string id;  // Registration::id
    std::string provider;
  };
  std::vector<Target> targets{};  // their registrations, by id
};

// Which members of a room, in byte order of their names.
struct CandidateQuery {
  std::uint64_t room_id = 0;
  std::string after{};
  std::uint32_t limit = 1'000;
  std::optional<std::vector<std::string>>
      users{};                 // these alone, members or not, in byte order; after and limit mean nothing
  bool reachable_only = true;  // members without a registration are left out (not of `users`)
  std::vector<std::string> senders{};  // at most 100
};

// That a user, at one target, is to be told about a room: a state to be brought about, not a text. Whatever is
// written meanwhile is told with it, whatever is read or deleted meanwhile is not.
//
//   waiting ──(judged when due: yes)──→ ready ──(claimed)──→ sending ──(sent)──→ shown
//      │ no: gone                        ↑──(again later)──────┘ └─(for good not)→ gone, and a dead letter
//   shown ──(a newer message; an edit or deletion of what is shown)──→ waiting;  ──(its time is over)──→ gone
struct NotifyJob {
  enum class State : std::int8_t { waiting = 0, ready = 1, sending = 2, shown = 3 };
  std::uint64_t id = 0;
  std::string user;
  std::string
      target;  // Registration::id, or "@" and the provider's name: one the operator set up for everybody
  std::string provider;
  std::uint64_t room_id = 0;  // 0: all of the user's rooms (a digest)
  State state = State::waiting;
  // Waiting, ready: when something is to be done; sending: when the claim ends; shown: before then no more is told.
  WallTime due{};
  WallTime since{};               // when it began to wait: what the age of the queue is counted from
  std::uint64_t want_seq = 0;     // the newest message to tell of
  std::uint64_t mention_seq = 0;  // the newest of them that mentions the user
  bool changed = false;           // what is shown was edited or deleted
  std::uint64_t shown_seq = 0;    // the message that was shown last; 0: none
  WallTime shown_at{};
  std::string notice{};  // id of the notification under way or shown last; the same in all its attempts
  std::uint64_t notice_seq = 0;  // up to which message it tells
  std::uint32_t attempts = 0;    // of the notice under way, those that count and are over
};

// That a user is to be told; room and target as NotifyJob's.
struct NotifyMark {
  std::string user, target, provider;
  std::uint64_t room_id = 0;
  std::uint64_t seq = 0;
  bool mention = false;
  WallTime due{};
};

// What becomes of a waiting job that was due.
struct NotifyVerdict {
  enum class What { ready, later, drop };
  std::uint64_t job = 0;
  What what = What::drop;
  WallTime due{};  // of later: when to judge again
  // The job's when it was judged: it is neither dropped nor put off when a newer message has come since, or when it was changed since.
  std::uint64_t want_seq = 0;
  bool changed = true;
  std::string reason{};  // of drop, for the log: one word, as `read`
};

// What became of a claimed job.
struct NotifyResult {
  enum class What {
    sent,      // shows `shown_seq`
    unneeded,  // there was nothing to tell any more
    retry,     // at `due`
    dead,      // never: a dead letter
  };
  std::uint64_t job = 0;
  What what = What::sent;
  std::string outcome{};        // of the log: sent, updated, withdrawn, dropped, pruned, retry, dead; "": not logged
  std::string reason{};         // a sentence, or a word, in UTF-8; no content, no address
  std::uint64_t shown_seq = 0;  // 0: nothing is shown now, as after a withdrawal
  WallTime due{};  // of retry; of sent and unneeded: when a next one may go (later messages wait until then)
  bool attempt = true;  // of retry: it counts
  std::chrono::milliseconds took{0};
};

// What happened to notifications, newest first.
struct NotifyLogRow {
  std::uint64_t id = 0;
  WallTime at{};
  std::string user, provider, target;
  std::string room{};  // its name now; "" for a digest or a room that is gone
  std::uint64_t seq = 0;
  std::string outcome, reason, notice;
  std::uint32_t attempts = 0;
  std::chrono::milliseconds took{0};
};
struct NotifyLogQuery {
  std::string user{}, provider{}, outcome{};  // "": any
  std::uint64_t before = 0;                   // id; 0: from the newest
  std::uint32_t limit = 100;
};
struct DeadLetter {
  std::uint64_t id = 0;
  WallTime at{};
  std::string user, provider, target, room{};
  std::uint64_t seq = 0;
  std::string reason, notice;
  std::uint32_t attempts = 0;
};

// How much there is of a provider's.
struct NotifyQueue {
  std::string provider;
  std::uint64_t waiting = 0, ready = 0, sending = 0, shown = 0, dead = 0;
  WallTime oldest{};  // `since` of the oldest that is ready or being sent; the epoch: none
};

inline constexpr std::uint32_t kNotifyBatchMax = 1'000;    // marks, verdicts, results, jobs at once
inline constexpr std::uint32_t kDeadLettersMax = 100'000;  // the oldest go

// The outbox of notifications. A room's messages above its cursor are what nobody has been told of yet: they are written
// in the transaction that stores them, because they *are* the messages. Marking the same again is harmless, so the cursor follows
// when all of a room's members were marked. Any number of parleyd share the jobs: a claim is one process's until it ends.
// Jobs go with their user, registration and room. Thread-safe; calls block on the database. Errors of all: unavailable (nothing was
// changed, retry), in_doubt (a write; doing it again is safe but for claim: what it claimed comes back when the claim ends), corrupt, internal.
class NotifyStore {
 public:
  virtual ~NotifyStore() = default;

  // For each room asked for, in order: up to which message its members were marked; 0: never.
  virtual Result<std::vector<std::uint64_t>> cursors(std::span<const std::uint64_t> rooms) = 0;
  // Of a room that is not there: nothing.
  virtual Result<> set_cursor(std::uint64_t room_id, std::uint64_t seq) = 0;

  // Without those who are disabled or not there.
  virtual Result<std::vector<NotifyCandidate>> candidates(const CandidateQuery& query) = 0;

  // At most kNotifyBatchMax, each (room, user, target) once. No job: a new one, waiting. Waiting: seqs rise, `due` only comes
  // nearer. Ready or sending: seqs rise, nothing else. Shown: when seq is above notice_seq it waits anew, not before the job's `due`
  // of then (NotifyResult::due), unless the clock was set back since; nothing when it is not above. No job is made for a target that is not a registration of the user's
  // (any more), for a user who is not there or disabled, or for a room that is not there.
  virtual Result<> mark(std::span<const NotifyMark> marks, WallTime now) = 0;
  // What is shown of these messages of the room is to be judged anew, at once; what is just being sent, and tells of one of them, when
  // that is over. Gives how many there were.
  virtual Result<std::uint32_t> touch(std::uint64_t room_id, std::span<const std::uint64_t> seqs,
                                      WallTime now) = 0;

  // Waiting and due, the longest due first.
  virtual Result<std::vector<NotifyJob>> due(WallTime now, std::uint32_t limit) = 0;
  // The earliest `due` of a waiting job; nullopt: none waits.
  virtual Result<std::optional<WallTime>> next_due() = 0;
  // At most kNotifyBatchMax, each job once. Jobs that wait no more are passed over. Ready ones are due at once. Dropped ones that show
  // something are shown again, as if told of all; the others are gone. Drops are logged, with want_seq.
  virtual Result<> judge(std::span<const NotifyVerdict> verdicts, WallTime now) = 0;
};

// The sending half of the outbox; as NotifyStore.
class NotifyDelivery {
 public:
  virtual ~NotifyDelivery() = default;

  // Takes jobs of the provider that are ready and due, or whose claim has ended, the longest due first: they are `sending`, `by`'s
  // until `until`. A job that has become ready gets a notice, which tells up to want_seq. Nobody else gets them at the same time.
  virtual Result<std::vector<NotifyJob>> claim(const std::string& provider, const std::string& by,
                                               std::uint32_t limit, WallTime now, WallTime until) = 0;
  // At most kNotifyBatchMax, each job once. Results of jobs claimed by `by`; those that are no longer theirs are passed over. After sent
  // and unneeded, a job with more to tell (want_seq above notice_seq, or changed meanwhile) waits anew from `due`; after dead too, at
  // once. With no more to tell: what was sent is shown; after unneeded a job that shows something is shown again, others are gone; after
  // dead it is gone. Each is logged, with shown_seq or else notice_seq, this attempt counted. Gives how many were theirs.
  virtual Result<std::uint32_t> finish(const std::string& by, std::span<const NotifyResult> results,
                                       WallTime now) = 0;

  virtual Result<std::vector<NotifyLogRow>> log(const NotifyLogQuery& query) = 0;
  virtual Result<std::vector<DeadLetter>> dead(std::uint64_t after, std::uint32_t limit) = 0;  // by id
  // Makes a ready job of each again, with the same notice, and removes the letter; 0 of `ids`: of all, the first kNotifyBatchMax. Of
  // several letters of one (room, user, target) the newest counts; a job that has a notice under way, or a newer one, stays as it
  // is. A letter whose target, user or room is gone is removed alone. Gives how many jobs there are now.
  virtual Result<std::uint32_t> retry_dead(std::span<const std::uint64_t> ids, WallTime now) = 0;
  virtual Result<std::vector<NotifyQueue>> queues() = 0;  // by provider; those that have any
  // Forgets jobs in the state shown since before `shown_before` (NotifyJob::shown_at), and log rows and dead letters from before
  // `kept_from`, and the oldest of more than kDeadLettersMax letters; at most `limit` of each. Whether there may be more.
  virtual Result<bool> sweep(WallTime shown_before, WallTime kept_from, std::uint32_t limit) = 0;
};

}  // namespace parley::backend
