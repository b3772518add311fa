#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "backend/metrics/metrics.h"
#include "backend/notify/composer.h"
#include "backend/notify/provider.h"
#include "backend/state/pace.h"
#include "backend/state/step_thread.h"
#include "backend/store/stores.h"
#include "base/circuit_breaker.h"
#include "base/clock.h"
#include "base/event_log.h"
#include "base/log.h"

namespace parley::backend {

// An attempt at a notification that shows this message; `error`: why it did not work, "" when it did.
using AttemptMade = std::function<void(std::uint64_t room_id, std::uint64_t seq, const std::string& provider,
                                       std::chrono::milliseconds took, const std::string& error)>;

struct CourierOptions {
  std::string by;               // who claims: unique among all parleyd
  std::uint32_t per_s = 500;    // notifications, in the long run
  std::uint32_t attempts = 12;  // at one notification
  std::chrono::milliseconds max_age{86'400'000};
  std::chrono::milliseconds window{30'000};  // from one notification of a job to its next
  std::chrono::milliseconds lease{90'000};   // of a claim; longer than any send takes
  std::chrono::milliseconds poll{1'000};     // for jobs another parleyd made ready
  BackoffOptions retry{.least = std::chrono::milliseconds(500),
                       .first = std::chrono::milliseconds(2'000),
                       .max = std::chrono::milliseconds(600'000)};
  std::chrono::milliseconds misconfigured_pause{30'000};
  AttemptMade attempt_made{};  // told of each, when set; must not block
  EventLog events{};
};

// Carries one provider's notifications: claims jobs that are ready, composes, sends, and writes down what became of them. At most
// Provider::concurrency() are under way. A provider that fails is left alone for a while by its breaker; jobs wait meanwhile and use up no
// attempts. One that says how long to wait is obeyed, up to an hour. What a killed process had claimed is claimed again by
// whoever is there when its lease ends, with the same notice id. Needs no attached backend: a standby carries, too.
// Thread-safe; nothing but step() blocks (on the database, not on the provider).
class Courier {
 public:
  // Without start() nothing runs by itself: a test calls step(). All references must outlive it.
  Courier(std::unique_ptr<Provider> provider, Stores& stores, const Composer& composer, Metrics& metrics,
          const Clock& clock, LogSink log, CourierOptions options);
  ~Courier() { stop(); }

  const std::string& name() const { return name_; }
  void start() {
    thread_.start([this] { return step(); });
  }
  void stop();  // what is under way ends, and is written down
  void wake() { thread_.wake(); }

  // Beside the outbox. `done` is called once, on any thread.
  void send_test(const Notification& notification, const Registration& to, Provider::Done done);

  BreakerReading reading() const { return breaker_.reading(); }

  // Does what is due; says when to come again. One caller at a time.
  std::optional<SteadyTime> step();

 private:
  struct Sent {  // an answer, as it came
    NotifyJob job;
    Registration to;
    Notification::Kind kind = Notification::Kind::message;
    std::uint64_t shown_seq = 0;
    std::string message{};  // the id of what is shown
    Delivery delivery;
    std::chrono::milliseconds took{0};
    std::shared_ptr<CircuitBreaker::Permit> permit;
  };

  bool write_down();
  NotifyResult result_of(const Sent& sent);
  NotifyResult again(const NotifyJob& job, const Delivery& delivery);
  void learn(const Sent& sent);
  void note(const NotifyJob& job, const std::string& message, const NotifyResult& result) const;
  void carry(const NotifyJob& job);
  std::optional<NotifyResult> prepare(const NotifyJob& job, Composed& composed, Registration& to);
  void hold(NotifyResult result);
  NotifyResult postponed(const NotifyJob& job);
  void come_back(Sent sent);

  const std::string name_;
  Stores& stores_;
  const Composer& composer_;
  const Clock& clock_;
  const LogSink log_;
  const CourierOptions options_;
  CircuitBreaker breaker_;
  const Histogram seconds_;
  const Gauge in_flight_, misconfigured_;
  std::map<std::string, Counter> outcomes_;

  std::mutex mutex_;
  std::deque<Sent> back_;      // not written down yet
  std::size_t under_way_ = 0;  // sent, and not back

  // Of the thread that steps.
  std::vector<NotifyResult> results_;                              // to be written down
  std::vector<std::pair<std::string, std::string>> dead_targets_;  // id, address
  Pace pace_;
  SteadyTime not_before_{};
  bool is_misconfigured_ = false, works_ = true;

  StepThread thread_;
  std::unique_ptr<Provider> provider_;  // goes first: its answers come back here
};

}  // namespace parley::backend
