#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "backend/requests/outcome.h"

namespace parley::backend {

class InFlight;

// A request not answered yet. It is answered once: whatever comes later is without effect. Thread-safe.
// Whoever answers holds a reference to it meanwhile.
class PendingReply {
 public:
  PendingReply(InFlight& all, std::function<void(std::string)> respond)
      : all_(all), respond_(std::move(respond)) {}

  // Its handling begins; every reply carries the request's `id`.
  void begun(const std::string& id);
  // What it is told when nobody answers: whether anything was done depends on whether it was begun.
  void abandon();
  // Runs `first`, if there is one, and then hands the reply over; nothing of it when it was answered already.
  void answer(const Reply& reply, const std::function<void()>& first = {});

 private:
  InFlight& all_;
  std::mutex mutex_;
  std::function<void(std::string)> respond_;  // empty once answered
  std::string id_;
  bool begun_ = false;
};

// The requests taken and not answered yet, so that each is answered before everything ends. Thread-safe.
// An answer that comes after abandon() touches nothing but its PendingReply: whoever promised it may be late.
class InFlight {
 public:
  std::shared_ptr<PendingReply> begin(std::function<void(std::string)> respond);
  // false: the time was over.
  bool wait_until_none(std::chrono::steady_clock::time_point deadline);
  // Answers all that are left: unavailable, or in_doubt where the handling was begun.
  void abandon();

 private:
  friend class PendingReply;
  void ended(PendingReply* pending);

  std::mutex mutex_;
  std::condition_variable none_;
  std::unordered_map<PendingReply*, std::shared_ptr<PendingReply>> pending_;
};

}  // namespace parley::backend
