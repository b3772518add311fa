#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "backend/metrics/metrics.h"
#include "backend/mqtt/publisher.h"
#include "base/clock.h"
#include "base/result.h"
#include "wire/control.h"

namespace parley::backend {

using CommandBody = decltype(wire::Command::body);

// Commands under way to the plugin, and their answers. Each `done` is called exactly once, with the answer's result, or
//   the failure the plugin answered (permission_denied: another backend has taken over);
//   unavailable, invalid_argument (too large): not sent, nothing was changed;
//   in_doubt: sent, and no answer came in time or the connection ended.
// Not thread-safe: belongs to the control thread.
class Conversation {
 public:
  using Done = std::function<void(Result<nlohmann::json>)>;

  Conversation(Publisher& publisher, Metrics& metrics, std::size_t under_way_max);

  void send(std::uint64_t generation, CommandBody body, SteadyTime deadline, Done done);
  void answer(std::string_view payload);  // a message on $parley/control
  void expire(SteadyTime now);
  void abandon(const std::string& why);  // all that is under way becomes in_doubt

  std::optional<SteadyTime> next_deadline() const;

 private:
  struct Waiting {
    SteadyTime deadline;
    Done done;
  };
  void finish(std::map<std::string, Waiting>::iterator at, Result<nlohmann::json> result);

  Publisher& publisher_;
  std::size_t under_way_max_;
  Counter sent_, timeouts_, strays_;
  std::string prefix_;  // so that an answer to an earlier process is not taken for ours
  std::uint64_t last_ = 0;
  std::map<std::string, Waiting> waiting_;
};

}  // namespace parley::backend
