#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>

#include "base/result.h"

namespace parley::backend {

// What goes wrong with a call.
struct Fault {
  enum class What {
    refused,     // not done, and answered with `code`
    lost,        // not done, and answered in_doubt: the request was lost on its way
    unanswered,  // done, and answered in_doubt: the answer was lost on its way
    held,        // done, once release() is called
  };
  What what = What::refused;
  Errc code = Errc::unavailable;
};

// When what goes wrong. Calls are counted over all stores the plan is given to. Thread-safe.
class FaultPlan {
 public:
  // The n-th call from now (1 is the next). Several may be planned.
  void plan(std::uint64_t nth, Fault fault);
  // Asked about every call, with its number, unless one is planned for it; runs under the plan's lock.
  void plan(std::function<std::optional<Fault>(std::uint64_t)> each);
  // Ends the waiting of calls held, and of later ones that would be.
  void release();
  bool wait_until_held(std::chrono::seconds at_most = std::chrono::seconds(60));
  std::uint64_t calls() const;

  // Makes `call`, or not, as planned.
  template <class Call>
  auto run(Call&& call) -> decltype(call()) {
    auto fault = next();
    if (!fault) return call();
    switch (fault->what) {
      case Fault::What::refused:
        return fail(fault->code, "As planned, it was not done.");
      case Fault::What::unanswered:
        (void)call();
        [[fallthrough]];
      case Fault::What::lost:
        return fail(Errc::in_doubt, "As planned, there is no answer.");
      case Fault::What::held:
        hold();
        break;
    }
    return call();
  }

 private:
  std::optional<Fault> next();
  void hold();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t calls_ = 0;
  std::map<std::uint64_t, Fault> planned_;  // by number of the call
  std::function<std::optional<Fault>(std::uint64_t)> each_;
  std::uint32_t held_ = 0;
  bool released_ = false;
};

}  // namespace parley::backend
