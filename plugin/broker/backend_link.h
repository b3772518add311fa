#pragma once
#include <chrono>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "plugin/broker/broker_api.h"
#include "plugin/broker/counters.h"
#include "wire/control.h"

namespace parley::plugin {

// What goes to backends: answers to commands, and events to the attached one. Both wait for the tick, so that an answer leaves after the kicks it speaks of.
// Events of kEventsEvery travel together: thousands of logins a second must not cost a message each.
// Bounded: kEventsMax events wait (only while no tick comes); beyond, they are dropped and the backend is told `reset`. Answers are bounded by the commands
// of one turn of the loop. For the broker's thread.
class BackendLink {
 public:
  static constexpr std::size_t kEventsMax = 10'000;
  static constexpr std::chrono::milliseconds kEventsEvery{20};
  static constexpr std::size_t kEventBytes = 32 * 1024;  // of one message, and the last event beyond it

  BackendLink(BrokerApi& broker, Counters& counters) : broker_(broker), counters_(counters) {}

  void attached(std::string client_id) {
    client_id_ = std::move(client_id), events_.clear(), overflow_ = false;
    mismatch.clear();
  }
  void detached() { client_id_.clear(), events_.clear(); }
  const std::string& client_id() const { return client_id_; }  // of the attached backend; "" when none is

  void answer(std::string client_id, std::string reply) {
    answers_.emplace_back(std::move(client_id), std::move(reply));
  }
  void tell(
      wire::Event event);  // nothing when no backend is attached: it asks for all sessions when it attaches
  void flush(SteadyTime now);
  std::size_t waiting() const { return events_.size(); }

  std::string mismatch;  // why a backend was refused for its version since one was attached last: administrators are told

 private:
  void flush_events(SteadyTime now);

  BrokerApi& broker_;
  Counters& counters_;
  std::string client_id_;
  std::vector<std::pair<std::string, std::string>> answers_;
  std::deque<wire::Event> events_;
  bool overflow_ = false;
  bool urgent_ = false;
  SteadyTime flushed_{};
};

}  // namespace parley::plugin
