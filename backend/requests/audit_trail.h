#pragma once
#include <mutex>
#include <string>

#include "backend/requests/handlers.h"

namespace parley::backend {

// The audit log as the dispatcher keeps it: what an act says of its request, which refusals are recorded, and
// forgetting. Thread-safe; calls block on the store.
class AuditTrail {
 public:
  // What a request records when it does what it asks: its parameters `room` and `user`, and the others but for
  // secrets and contents.
  static Act act_of(const wire::Request& request);

  // After a request that is audited: records what the store has not, and that somebody was refused what they
  // may not do. Refusals at most kRefusalsPerMinute a minute: others are many requests of one who tries. A store
  // that fails is told to the log alone: the request has had its answer by then.
  void ended(Services& services, Act act, Audited audited, const Outcome& outcome);

  static constexpr int kRefusalsPerMinute = 120;

 private:
  bool may_record_refusal(SteadyTime now);
  void forget_old(Services& services);

  std::mutex mutex_;
  SteadyTime minute_{}, swept_{};
  int refusals_ = 0;
};

}  // namespace parley::backend
