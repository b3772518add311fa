#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backend/store/notify_store.h"

namespace parley::backend {

// What becomes of one job: the arrows of NotifyJob's picture, for all stores. Pure.

// A job as it is kept.
struct KeptJob {
  NotifyJob job{};
  WallTime
      not_before{};  // no more is told before then, but for changes: NotifyResult::due of what was sent last
  bool again = false;        // changed since the notice under way was claimed
  std::string claimed_by{};  // of sending
};

// A row of the log, and a dead letter, as they are kept: with the room's number, not its name.
struct NotifyEvent {
  WallTime at{};
  std::string user{}, provider{}, target{};
  std::uint64_t room_id = 0, seq = 0;
  std::string outcome{}, reason{}, notice{};
  std::uint32_t attempts = 0;
  std::chrono::milliseconds took{0};
};
struct DeadJob {
  NotifyEvent event{};
  std::uint64_t mention_seq = 0;
};

KeptJob job_of(const NotifyMark& mark, WallTime now);
// Whether it made a difference.
bool mark_job(KeptJob& kept, const NotifyMark& mark, WallTime now);

// Whether one of these messages is shown, or told of by the notice being sent.
bool touches(const KeptJob& kept, std::span<const std::uint64_t> seqs);
void touch_job(KeptJob& kept, WallTime now);

enum class JobFate { untouched, kept, gone };
struct JobStep {
  JobFate fate = JobFate::untouched;
  std::optional<NotifyEvent> event{};
  std::optional<DeadJob> dead{};
};
JobStep judge_job(KeptJob& kept, const NotifyVerdict& verdict, WallTime now);
// `notice`: for one that has none.
void claim_job(KeptJob& kept, const std::string& by, const std::string& notice, WallTime until);
JobStep finish_job(KeptJob& kept, const std::string& by, const NotifyResult& result, WallTime now);

// A dead letter's job, where there is none yet and where there is one.
KeptJob job_of(const DeadJob& dead, WallTime now);
void revive_job(KeptJob& kept, const DeadJob& dead, WallTime now);
// Of several letters of one (room, user, target) the newest; in this order.
std::vector<DeadJob> newest_letters(std::vector<DeadJob> letters);

std::vector<NotifyQueue> list_of(std::map<std::string, NotifyQueue> queues);

// A target that one of the operator's providers is, not a registration.
inline bool of_operator(const std::string& target) {
  return target.starts_with('@');
}

}  // namespace parley::backend
