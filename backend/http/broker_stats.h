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
// `fresh_for`; text() waits at most `patience` for the answer. Thread-safe.
class BrokerStats {
 public:
  BrokerStats(BrokerControl& broker, const Clock& clock,
              std::chrono::milliseconds fresh_for = std::chrono::seconds(2),
              std::chrono::milliseconds patience = std::chrono::milliseconds(500));

  // "" while the plugin never answered; else what it last said.
  std::string text();

 private:
  struct Shared {  // outlives this while an answer is under way
    std::mutex mutex;
    std::condition_variable came;
    std::string text;
    bool asking = false;
  };
  BrokerControl& broker_;
  const Clock& clock_;
  std::chrono::milliseconds fresh_for_, patience_;
  SteadyTime asked_at_{};
  bool asked_ = false;
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

// The answer of the `stats` command (wire/control.h) in the text format.
std::string format_broker_stats(const nlohmann::json& stats);

}  // namespace parley::backend
