#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "plugin/journal/journal.h"
#include "wire/control.h"
#include "wire/limits.h"

namespace parley::plugin {

struct FeedOptions {
  std::size_t window = 8;  // batches on their way at most; below max_inflight_messages
  std::size_t batch_bytes =
      wire::kFeedBatchMax;  // one payload, header included; a record larger than that goes alone
  std::chrono::milliseconds resend_after{
      5000};  // without progress for so long, everything on its way is sent again
};

struct FeedStats {
  std::uint64_t lag_bytes = 0;  // written but not acknowledged
  std::uint64_t in_flight = 0;  // batches
  std::uint64_t batches = 0;    // sent, repeats included
  std::uint64_t resends = 0;    // times the window was sent again
  std::uint64_t acks_refused = 0;
};

// Takes the journal to its one consumer, the backend: in order, from the consumer's own offset, repeated
// until acknowledged. Catch-up and live tail are the same code. Pure window logic: knows no MQTT, no clock.
//
// Guarantees: a record is trimmed only after an acknowledgement of the current generation covers it; within a
// generation batches follow each other without a gap (each one's `from` is the one before's `to`), repeats of
// the same [from, to) excepted. The consumer ignores what it has and what does not follow. Threads: the
// broker's only. Blocking: attach() writes the generation to disk (fsync; attaching is rare), start() the
// first time after a journal got a new id; tick() and ack() never. Bounds: `window` batches on their way; one
// consumer.
class Feed {
 public:
  // Hands one payload (wire/feed.h) to the transport; valid during the call. false: not now, the same one
  // comes again at the next tick.
  using Publish = std::function<bool(std::string_view payload)>;

  // The journal must outlive the feed. Reads the last generation from the journal's folder: corrupt,
  // unavailable.
  static Result<std::unique_ptr<Feed>> open(Journal& journal, const FeedOptions& options);

  // Makes `consumer` (any key of the connection, not empty) the one consumer, in a new generation, greater
  // than all before, also those before a restart or of an older copy of the folder (it is at least the wall
  // clock's ms). Nothing is sent before start(). The same consumer may attach again. `directory` and
  // `directory_version` of the answer are left to the caller.
  //
  // What the store says (its journal id, offset) against what is here (id, start, end):
  //   1 same id, start ≤ offset ≤ end, a boundary   they continue each other.
  //   2 same id, offset < start                      what was trimmed was stored once, but not in this copy
  //   of the store (it was put back
  //                                                  from a backup): renewed, [offset, start) lost.
  //   3 same id, offset > end, or no boundary        the journal is an old copy: the numbers after it are
  //   used already, and what it holds was
  //                                                  stored long ago: Journal::renew(), renewed, nothing
  //                                                  known lost.
  //   4 no id, start = 0                             a store that never met a journal, and a journal that
  //   holds all it ever took: continue. 5 no id, start > 0                             a new store on an old
  //   journal: renewed, [0, start) lost. 6 another id                                   journal or store is
  //   not the one the other knew (a lost folder, an unclean stop, a
  //                                                  swapped database): renewed; what is held here is
  //                                                  delivered from `start` on, [0, start) is lost to this
  //                                                  store.
  // 2, 5 and 6 change nothing here: attaching again gives the same until the store took over the id and an
  // offset.
  //
  // Errors: unavailable: another consumer is attached, or the disk failed; nothing was changed (but perhaps
  // the journal's id, see 3).
  Result<wire::AttachOk> attach(const wire::Attach& store, std::string_view consumer, WallTime now);
  // Ends the lease of `consumer`; of another one: nothing.
  void detach(std::string_view consumer);
  bool attached() const { return !consumer_.empty(); }
  const std::string& consumer() const { return consumer_; }
  std::uint64_t generation() const { return generation_; }
  // Is a command of this generation, from this connection, to be obeyed?
  bool is_current(std::uint64_t generation, std::string_view consumer) const {
    return attached() && generation == generation_ && consumer == consumer_;
  }

  // Begins sending at `offset`, before which all is stored (it is trimmed), and opens the journal for
  // messages. May come again in the same generation: what is on its way is forgotten and sent anew from
  // there, which is how a consumer that missed a batch gets it without waiting. Errors: permission_denied
  // (not the current generation), invalid_argument (outside [start, end], below what was acknowledged in this
  // generation, no boundary), unavailable (disk).
  Result<> start(std::uint64_t generation, Offset offset, SteadyTime now);
  // All before `offset` is stored. Acknowledged before: ignored. permission_denied: not the current
  // generation. invalid_argument: not the end of a batch on its way.
  Result<> ack(std::uint64_t generation, Offset offset, SteadyTime now);
  // Journal::tick(); then sends what there is and the window allows. Call at every broker tick.
  void tick(SteadyTime now, const Publish& publish);

  FeedStats stats() const;

 private:
  struct Batch {
    Offset from = 0, to = 0;
  };
  Feed(Journal& journal, const FeedOptions& options, std::uint64_t generation)
      : journal_(journal), options_(options), generation_(generation) {}
  Result<> next_generation(WallTime now);
  bool send(Offset from, std::size_t max_bytes, const Publish& publish, Offset& to);
  bool resend(const Publish& publish);

  Journal& journal_;
  FeedOptions options_;
  std::uint64_t generation_;
  std::string consumer_;
  bool started_ = false;
  Offset acked_ = 0;             // in this generation
  std::deque<Batch> in_flight_;  // contiguous, from acked_ on
  std::size_t repeat_next_ = 0;  // in_flight_[repeat_next_…) are to be sent again before anything new
  SteadyTime progress_{};        // when something last moved
  std::string payload_;
  FeedStats stats_;
};

}  // namespace parley::plugin
