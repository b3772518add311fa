#pragma once
#include <chrono>
#include <string_view>

#include "plugin/broker/broker_api.h"
#include "plugin/broker/counters.h"
#include "plugin/limits/token_bucket.h"
#include "wire/request.h"

namespace parley::plugin {

// What a refused or repeated publish brings to its sender's inbox (topics.md §6). For the broker's thread.
// Refusals come at most kPerSecond a second and user (kBurst at once), so that a client gone wild is not answered without end; what is over is counted.
// Duplicates are always told: a retry needs the first one's seq.
class Notices {
 public:
  static constexpr double kPerSecond = 20, kBurst = 200;

  Notices(BrokerApi& broker, Counters& counters)
      : broker_(broker), counters_(counters), rate_({kPerSecond, kBurst}) {}

  struct About {
    std::string_view room{};
    std::string ref{};
    std::string_view
        unread{};  // a message whose `ref` nobody has looked for: done when a notice goes out, and only then
    std::string_view method{};
    std::string id{};
    std::chrono::seconds wait{0};  // how long until it would be taken; 0: not known
    std::string_view device{};     // for the log alone
  };
  void refused(std::string_view user, const wire::Failure& failure, const About& about, SteadyTime now);
  void duplicate(std::string_view user, std::string_view room, std::string_view ref, std::uint64_t seq);

 private:
  BrokerApi& broker_;
  Counters& counters_;
  RateLimiter<std::string> rate_;
};

}  // namespace parley::plugin
