#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "backend/metrics/metrics.h"
#include "backend/notify/rules.h"
#include "backend/notify/user_pace.h"
#include "backend/store/stores.h"
#include "base/clock.h"

namespace parley::backend {

// nullopt: who is connected is not known yet.
using AttentionOf = std::function<std::optional<Attention>(const std::string& user)>;

struct JudgeOptions {
  NotifyTimes times{};
  NotifyLevel default_level = NotifyLevel::all;
  std::uint32_t large_room = 500;      // members above which `all` by default means mentions
  std::uint32_t user_per_minute = 20;  // 0: no limit
  std::uint32_t jobs_at_once = 1'000;
  std::chrono::milliseconds poll{2'000};  // for jobs that couriers put back
};

// Judges waiting jobs that are due by the rules, with the facts of that moment: what was read, muted or left meanwhile is dropped, what
// falls into quiet hours or exceeds a user's pace is put off, the rest is made ready. Not thread-safe; blocks on the database.
class JobJudge {
 public:
  JobJudge(Stores& stores, AttentionOf attention, Metrics& metrics, const Clock& clock,
           const JudgeOptions& options);

  // Judges what is due, at most jobs_at_once. Whether something was made ready.
  Result<bool> step();
  // Jobs were marked: step() has to look when the next one is due.
  void look_again() { next_ = WallTime{}; }
  // When step() has something to do again: by then a job is due, or couriers, perhaps another parleyd's, may have put some back.
  WallTime next() const { return next_; }

 private:
  using Jobs = std::vector<const NotifyJob*>;

  Result<std::vector<NotifyVerdict>> judge(const std::vector<NotifyJob>& jobs);
  Result<> judge_of_room(std::uint64_t room_id, const Jobs& jobs, std::vector<NotifyVerdict>& verdicts);
  NotifyFacts facts_of(const NotifyJob& job, const Room& room, const NotifyCandidate* user) const;
  NotifyVerdict verdict(const NotifyJob& job, const NotifyFacts& facts);
  Result<> put_off(const Jobs& jobs, std::vector<NotifyVerdict>& verdicts) const;
  WallTime written(const NotifyJob& job, std::map<std::uint64_t, WallTime>& of_room) const;
  Result<bool> put(const std::vector<NotifyVerdict>& verdicts);

  Stores& stores_;
  const AttentionOf attention_;
  const Clock& clock_;
  const JudgeOptions options_;
  std::map<NotifyVerdict::What, Counter> counted_;
  UserPace pace_;
  WallTime next_{};
};

}  // namespace parley::backend
