#pragma once
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

#include "backend/control/broker_control.h"
#include "base/clock.h"

namespace parley::backend {

// The plugin's counters and gauges, as parley_broker_* in Prometheus' text format. Asked for when somebody wants them, at most every
// `fresh_for`; text() waits at most `patience` for the answer. What the plugin said last is shown for kKeptFor, then nothing: of a broker that is
// away nothing is known, and a standby must not repeat what the attached parleyd tells. Thread-safe.
class BrokerStats {
 public:
  BrokerStats(BrokerControl& broker, const Clock& clock,
              std::chrono::milliseconds fresh_for = std::chrono::seconds(2),
              std::chrono::milliseconds patience = std::chrono::milliseconds(500));

  static constexpr std::chrono::seconds kKeptFor{60};

  // "" while the plugin never answered, or not for long; else what it last said, how old that is, and how far its clock is from ours.
  std::string text();

 private:
  struct Shared {  // outlives this while an answer is under way
    std::mutex mutex;
    std::condition_variable came;
    std::string text;
    double skew_s = 0;
    SteadyTime answered_at{};
    bool asking = false;
  };
  void ask();

  BrokerControl& broker_;
  const Clock& clock_;
  std::chrono::milliseconds fresh_for_, patience_;
  SteadyTime asked_at_{};
  bool asked_ = false;
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

// The answer of the `stats` command (wire/control.h) in the text format.
std::string format_broker_stats(const nlohmann::json& stats);
// By how much the plugin's clock is ahead of ours, exact to half the time its answer took; 0 when it does not say.
double clock_skew_s(const nlohmann::json& stats, WallTime asked, WallTime answered);

}  // namespace parley::backend
