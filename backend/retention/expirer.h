#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>

#include "backend/metrics/metrics.h"
#include "backend/retention/expirer_progress.h"
#include "backend/state/pace.h"
#include "backend/state/step_thread.h"
#include "backend/store/retention_store.h"
#include "base/clock.h"
#include "base/log.h"

namespace parley::backend {

struct ExpirerOptions {
  RetentionRules rules{};
  std::chrono::milliseconds every{60'000};  // between the ends of two rounds through all rooms
  std::uint32_t messages_per_s = 2'000;     // that expire, in the long run
  std::uint32_t batch_max = 500;            // messages of one transaction
  std::uint32_t rooms_max = 200;            // rooms looked at in one statement, and waiting for their turn
  std::chrono::milliseconds retry{5'000};   // after an error of the store
};

// Lets messages expire: goes through the rooms round by round, takes what is due off their fronts in small
// transactions, the rooms of a page in turn, and rests after each at least three times as long as it took, so that
// storing has the database most of the time. It remembers nothing: whatever was killed, the next round finds what is
// due. Thread-safe; nothing but step() blocks.
class Expirer {
 public:
  // `gone` is told of each room that has lost messages, on the expirer's thread. `store`, `metrics` and `clock` must
  // outlive it. Without start() nothing runs by itself: a test calls step().
  Expirer(RetentionStore& store, std::function<void(std::uint64_t room_id)> gone, Metrics& metrics,
          const Clock& clock, LogSink log, const ExpirerOptions& options);
  ~Expirer() { stop(); }

  void start() {
    thread_.start([this] { return step(); });
  }
  void stop() { thread_.stop(); }  // after the transaction under way

  void apply(const ExpirerOptions& options);  // in force from the next step on; a round begins

  void activate();    // this is the attached backend now: a round begins
  void deactivate();  // and now no more

  ExpirerProgress progress() const;

  // Does what is due; says when to come again (nullopt: when activated). One caller at a time.
  std::optional<SteadyTime> step();

 private:
  std::optional<SteadyTime> begin_turn(SteadyTime now);
  bool look();
  bool expire_next();
  void failed(const Error& error);
  void show();

  RetentionStore& store_;
  const std::function<void(std::uint64_t)> gone_;
  const Clock& clock_;
  const LogSink log_;
  ExpirerOptions options_;  // of the thread that steps
  const Counter expired_, batches_, failures_;
  const Gauge due_, round_seconds_;

  mutable std::mutex mutex_;
  bool begin_ = false;  // a round, at once
  std::optional<ExpirerOptions> options_given_;
  ExpirerProgress progress_;

  // Of the thread that steps.
  std::deque<std::uint64_t> rooms_;  // of the page, with something due
  std::uint64_t after_ = 0;          // the last room looked at
  bool last_page_ = true;            // of the round
  SteadyTime round_at_{}, round_began_{};
  SteadyTime not_before_{};
  Pace pace_;
  bool works_ = true;

  StepThread thread_;
};

}  // namespace parley::backend
