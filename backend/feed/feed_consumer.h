#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "backend/metrics/metrics.h"
#include "backend/metrics/queue_reading.h"
#include "backend/requests/room_events.h"
#include "backend/store/message_store.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "wire/record.h"

namespace parley::backend {

// Where the consumer's word on the feed goes. Called on the consumer's thread; thread-safe; never blocks.
class FeedAcks {
 public:
  virtual ~FeedAcks() = default;
  // Everything before `offset` is stored, durably.
  virtual void acknowledge_feed(std::uint64_t generation, std::uint64_t offset) = 0;
  // This consumer can't go on: a newer one has stored, or the store is not where it was. Attach anew.
  virtual void give_up(std::uint64_t generation, const std::string& why) = 0;
};

struct FeedOptions {
  std::uint32_t queue_batches =
      256;  // waiting batches, at most 128 KiB each; more are dropped, the plugin sends them again
  std::uint32_t merge_batches = 16;  // of them, how many go into one transaction
  BackoffOptions retry{};            // after a failed transaction
  // Called on the consumer's thread with the records of each transaction, when set: before it, and when it fails the
  // transaction is not begun and tried again; and after it worked. Records may come again.
  std::function<Result<>(std::span<const wire::Record>)> before_store{};
  std::function<void(std::span<const wire::Record>, const StoreOutcome&)> after_store{};
};

// Puts feed batches into the MessageStore: queue → one thread → one transaction for all that waits →
// acknowledgement → RoomEvents. Nothing is acknowledged before it is stored. What can't be used (a hole, a
// broken record, a full queue) is dropped and counted: the plugin sends again whatever is not acknowledged.
// Thread-safe.
class FeedConsumer {
 public:
  FeedConsumer(MessageStore& store, RoomEvents& events, FeedAcks& acks, Metrics& metrics, const Clock& clock,
               LogSink log, FeedOptions options = {});
  ~FeedConsumer();  // stops at once: what waits is dropped

  // Takes batches of `generation` from here on, the next one at `position`; those of others are dropped.
  // Never blocks.
  void begin(std::uint64_t generation, std::uint64_t position);
  // Takes no more batches; what waits is still stored.
  void end();
  // The payload of a message on $parley/feed. Never blocks.
  void offer(std::string payload);
  // Waits until nothing is left to store, at most `deadline`. False when it ran out.
  bool drain(std::chrono::milliseconds deadline);

  QueueReading queue();  // of batches

  // The last attempt to store worked (or there was none yet).
  bool store_works() const { return store_works_; }

 private:
  struct Waiting {
    std::string payload;  // a feed batch
    std::uint64_t from = 0, to = 0;
  };
  struct Job {  // what the thread does next: batches that follow each other, perhaps none
    std::uint64_t generation = 0;
    std::uint64_t position = 0;
    std::vector<Waiting> batches;
  };
  struct Merged {  // batches as one transaction; records are views into the batches
    std::uint64_t from = 0, to = 0;
    std::uint32_t batches = 0;
    std::vector<wire::Record> records;
  };

  void run();
  std::optional<Job> next_job();
  void finish_job(const Job& job);
  Merged merge(const Job& job);
  Result<> add(const Waiting& batch, Merged& merged);
  void store_retrying(const Merged& merged, Job& job);
  Result<StoreOutcome> store(const Merged& merged, const Job& job);
  void tell_stored(const Merged& merged, const StoreOutcome& outcome, const Job& job);
  bool pause(std::chrono::milliseconds how_long, std::uint64_t generation);
  void note_corrupt(std::uint64_t at, const std::string& why);

  MessageStore& store_;
  RoomEvents& events_;
  FeedAcks& acks_;
  const Clock& clock_;
  LogSink log_;
  FeedOptions options_;

  struct Meters {
    explicit Meters(Metrics& metrics);
    Counter batches, stored, repeated, dropped, quarantined, queue_full, holes, corrupt, failures;
    Gauge queue, position, corrupt_alarm, age_seconds;
  } meters_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Waiting> queue_;  // at most options_.queue_batches, all of generation_
  std::uint64_t generation_ = 0;
  std::uint64_t position_ = 0;  // everything before it is stored
  bool taking_ = false;
  bool busy_ = false;  // the thread has a job
  bool stopping_ = false;
  std::atomic<bool> store_works_{true};

  // Of the thread alone: a broken record comes again with every resend.
  std::uint64_t corrupt_at_ = 0;
  std::uint32_t corrupt_times_ = 0;

  std::thread thread_;
};

}  // namespace parley::backend
