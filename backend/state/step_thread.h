#pragma once
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "base/clock.h"

namespace parley::backend {

// A thread that does a step, waits until the step said (nullopt: until somebody wakes it), and does the next.
// wake() and stop() may be called from any thread.
class StepThread {
 public:
  using Step = std::function<std::optional<SteadyTime>()>;

  ~StepThread() { stop(); }

  void start(Step step);
  void stop();  // after the step under way; steps no more
  void wake();  // a step soon; one that is under way is followed by another

 private:
  void run(const Step& step);

  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace parley::backend
