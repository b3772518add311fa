#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

#include "base/result.h"

namespace parley::backend {

// Takes the messages of deleted rooms off the disk on a thread of its own, little by little, so that neither
// the feed nor a request waits for a large room. Begins with whatever an earlier process left; an error makes
// it wait for the next wake(), or for `retry`.
class DeletedRoomPurge {
 public:
  // `some` removes some rows in a transaction of its own; false: nothing is left to be done.
  DeletedRoomPurge(std::function<Result<bool>()> some, std::chrono::milliseconds retry);
  ~DeletedRoomPurge();  // after the transaction under way

  // A room was deleted. Thread-safe; does not block.
  void wake();

 private:
  void run(const std::stop_token& stop);

  std::function<Result<bool>()> some_;
  std::chrono::milliseconds retry_;
  std::mutex mutex_;
  std::condition_variable_any woken_;
  bool work_ = true;
  std::jthread thread_;
};

}  // namespace parley::backend
