#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "backend/metrics/metrics.h"
#include "backend/metrics/queue_reading.h"
#include "backend/store/mark_store.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"

namespace parley::backend {

struct MarkWriterOptions {
  std::chrono::milliseconds pause{100};  // between two writes of receipts
  std::size_t receipts_max = 50'000;     // members whose receipts wait; those of others are dropped then
  std::size_t requests_max = 10'000;     // requests that wait; more are answered unavailable
  std::size_t batch_max = 1'000;         // raises of one transaction
  // A request's mark that nobody has checked waits so long for its message to be stored, and for a database that is
  // away.
  std::chrono::milliseconds patience{2'000};
  BackoffOptions retry{};  // after a failed transaction
};

// Writes marks in batches: receipts, of which each member's highest are kept while they wait, and requests, which are
// answered when theirs are written. A receipt that finds no room is lost and counted: clients repeat theirs after a
// reconnect. Thread-safe; nothing but step() blocks.
class MarkWriter {
 public:
  using Done = std::function<void(Result<MarkOutcome>)>;

  // Without start() nothing runs by itself: a test calls step().
  MarkWriter(MarkStore& marks, Metrics& metrics, const Clock& clock, LogSink log,
             MarkWriterOptions options = {});
  ~MarkWriter();  // stops

  void start();
  // Writes what waits, once, and ends. Requests that could not be are answered unavailable.
  void stop();

  // From a member's device; the broker has checked it.
  void receipt(const std::string& room, const std::string& user, const Marks& marks);
  // `done` is called once, on the writer's thread or from within; keep it short. unavailable: nothing was written.
  void raise(MarkRaise raise, Done done);

  std::vector<QueueReading> queues();  // receipts, requests

  // Writes what is due; says when to come again (nullopt: when something comes). One caller at a time.
  std::optional<SteadyTime> step();

 private:
  using Member = std::pair<std::string, std::string>;  // room, user
  struct Request {
    MarkRaise raise;
    SteadyTime deadline;
    Done done;
  };
  struct Batch {
    std::vector<MarkRaise> raises;  // receipts first
    std::size_t receipts = 0;
    std::vector<Request> requests;
  };

  void run();
  Batch take(SteadyTime now);
  void written(Batch batch, const std::vector<MarkOutcome>& outcomes, SteadyTime now);
  void failed(Batch batch, const Error& error, SteadyTime now);
  void keep(const std::string& room, const std::string& user, const Marks& marks);  // with the lock held
  std::optional<SteadyTime> next_due();

  MarkStore& marks_;
  const Clock& clock_;
  LogSink log_;
  MarkWriterOptions options_;
  Counter received_, raised_, dropped_, failures_;
  Gauge waiting_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Member, Marks> receipts_;
  std::deque<Request> requests_;  // not tried yet
  std::vector<Request> patient_;  // tried: their message is not stored yet, or the database was away
  SteadyTime receipts_at_{};      // not before
  SteadyTime patient_at_{};
  bool stopping_ = false, woken_ = false;

  Backoff backoff_;  // of step() alone
  bool works_ = true;
  std::thread thread_;
};

}  // namespace parley::backend
