#include "backend/store/notify_steps.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace parley::backend {
namespace {

using State = NotifyJob::State;

void raise_seqs(NotifyJob& job, std::uint64_t seq, std::uint64_t mention_seq) {
  job.want_seq = std::max(job.want_seq, seq);
  job.mention_seq = std::max(job.mention_seq, mention_seq);
}

void wait_anew(NotifyJob& job, WallTime due, WallTime now) {
  job.state = State::waiting;
  job.due = due;
  job.since = now;
}

void show_again(KeptJob& kept) {
  kept.job.state = State::shown;
  kept.job.due = kept.not_before;
  kept.job.changed = false;
}

NotifyEvent event_of(const NotifyJob& job, WallTime now) {
  return {.at = now,
          .user = job.user,
          .provider = job.provider,
          .target = job.target,
          .room_id = job.room_id,
          .seq = job.notice_seq};
}

// With the attempt that has just been made.
NotifyEvent event_of(const NotifyJob& job, const NotifyResult& result, WallTime now) {
  auto event = event_of(job, now);
  if (result.what == NotifyResult::What::sent && result.shown_seq > 0) event.seq = result.shown_seq;
  event.outcome = result.outcome;
  event.reason = result.reason;
  event.notice = job.notice;
  event.attempts = job.attempts;
  event.took = result.took;
  return event;
}

// After sent and unneeded: whether it is kept.
bool settle(KeptJob& kept, WallTime due, WallTime now) {
  auto& job = kept.job;
  const bool more = job.want_seq > job.notice_seq || kept.again;
  job.changed = std::exchange(kept.again, false);
  job.attempts = 0;
  if (more)
    wait_anew(job, std::max(due, kept.not_before), now);
  else
    show_again(kept);
  return more || job.shown_seq > 0;
}

void retry_at(KeptJob& kept, WallTime due) {
  kept.job.state = State::ready;
  kept.job.due = due;
  kept.job.changed |= std::exchange(kept.again, false);
}

// Whether there is more to tell.
bool bury(KeptJob& kept, WallTime now) {
  auto& job = kept.job;
  if (job.want_seq <= job.notice_seq && !kept.again) return false;
  job.changed = std::exchange(kept.again, false);
  job.attempts = 0;
  wait_anew(job, now, now);
  return true;
}

void make_ready(NotifyJob& job, WallTime now) {
  job.state = State::ready;
  job.due = now;
  job.attempts = 0;
}

}  // namespace

KeptJob job_of(const NotifyMark& mark, WallTime now) {
  return {.job = {.user = mark.user,
                  .target = mark.target,
                  .provider = mark.provider,
                  .room_id = mark.room_id,
                  .due = mark.due,
                  .since = now,
                  .want_seq = mark.seq,
                  .mention_seq = mark.mention ? mark.seq : 0}};
}

bool mark_job(KeptJob& kept, const NotifyMark& mark, WallTime now) {
  auto& job = kept.job;
  if (job.state == State::shown && mark.seq <= job.notice_seq) return false;
  raise_seqs(job, mark.seq, mark.mention ? mark.seq : 0);
  const bool set_back = job.shown_at > now;  // the clock: then that time means nothing
  const auto due = set_back ? mark.due : std::max(mark.due, kept.not_before);
  if (job.state == State::shown)
    wait_anew(job, due, now);
  else if (job.state == State::waiting)
    job.due = std::min(job.due, due);
  return true;
}

bool touches(const KeptJob& kept, std::span<const std::uint64_t> seqs) {
  const auto& job = kept.job;
  return std::ranges::any_of(seqs, [&](std::uint64_t seq) {
    if (job.shown_seq > 0 && seq == job.shown_seq) return true;
    return job.state == State::sending && seq > job.shown_seq && seq <= job.notice_seq;
  });
}

void touch_job(KeptJob& kept, WallTime now) {
  auto& job = kept.job;
  (job.state == State::sending ? kept.again : job.changed) = true;
  if (job.state == State::shown) wait_anew(job, now, now);
  if (job.state == State::waiting) job.due = std::min(job.due, now);
}

JobStep judge_job(KeptJob& kept, const NotifyVerdict& verdict, WallTime now) {
  auto& job = kept.job;
  if (job.state != State::waiting) return {};
  if (verdict.what == NotifyVerdict::What::ready) {
    make_ready(job, now);
    job.notice.clear();
    return {JobFate::kept};
  }
  if (job.want_seq > verdict.want_seq || (job.changed && !verdict.changed)) return {};
  if (verdict.what == NotifyVerdict::What::later) {
    job.due = verdict.due;
    return {JobFate::kept};
  }
  auto event = event_of(job, now);
  event.seq = job.want_seq;
  event.outcome = "dropped";
  event.reason = verdict.reason;
  if (job.shown_seq == 0) return {JobFate::gone, std::move(event)};
  show_again(kept);
  job.notice_seq = std::max(job.notice_seq, job.want_seq);
  return {JobFate::kept, std::move(event)};
}

void claim_job(KeptJob& kept, const std::string& by, const std::string& notice, WallTime until) {
  auto& job = kept.job;
  job.state = State::sending;
  job.due = until;
  kept.claimed_by = by;
  if (!job.notice.empty()) return;
  job.notice = notice;
  job.notice_seq = job.want_seq;
}

JobStep finish_job(KeptJob& kept, const std::string& by, const NotifyResult& result, WallTime now) {
  auto& job = kept.job;
  if (job.state != State::sending || kept.claimed_by != by) return {};
  kept.claimed_by.clear();
  if (result.what != NotifyResult::What::unneeded && result.attempt) ++job.attempts;
  JobStep step{JobFate::kept};
  if (!result.outcome.empty()) step.event = event_of(job, result, now);
  switch (result.what) {
    case NotifyResult::What::sent:
      job.shown_seq = result.shown_seq;
      job.shown_at = now;
      kept.not_before = result.due;
      settle(kept, result.due, now);
      break;
    case NotifyResult::What::unneeded:
      if (!settle(kept, result.due, now)) step.fate = JobFate::gone;
      break;
    case NotifyResult::What::retry:
      retry_at(kept, result.due);
      break;
    case NotifyResult::What::dead:
      step.dead = DeadJob{event_of(job, result, now), job.mention_seq};
      if (!bury(kept, now)) step.fate = JobFate::gone;
      break;
  }
  return step;
}

KeptJob job_of(const DeadJob& dead, WallTime now) {
  KeptJob kept{.job = {.user = dead.event.user,
                       .target = dead.event.target,
                       .provider = dead.event.provider,
                       .room_id = dead.event.room_id,
                       .since = now}};
  revive_job(kept, dead, now);
  return kept;
}

// What is under way, or was shown later than the letter was written, needs no older notice.
void revive_job(KeptJob& kept, const DeadJob& dead, WallTime now) {
  auto& job = kept.job;
  const auto seq = dead.event.seq;
  raise_seqs(job, seq, dead.mention_seq);
  const bool begun = job.state == State::sending || (job.state == State::ready && !job.notice.empty());
  if (begun || seq < job.notice_seq || (job.state == State::shown && seq == job.notice_seq)) return;
  if (job.state == State::shown) job.since = now;
  make_ready(job, now);
  job.notice = dead.event.notice;
  job.notice_seq = seq;
}

std::vector<DeadJob> newest_letters(std::vector<DeadJob> letters) {
  const auto place = [](const DeadJob& dead) {
    return std::tie(dead.event.room_id, dead.event.user, dead.event.target);
  };
  std::ranges::stable_sort(letters, [&](const DeadJob& a, const DeadJob& b) {
    return std::tuple_cat(place(a), std::tie(b.event.seq)) < std::tuple_cat(place(b), std::tie(a.event.seq));
  });
  const auto rest = std::ranges::unique(letters, {}, place);
  letters.erase(rest.begin(), rest.end());
  return letters;
}

std::vector<NotifyQueue> list_of(std::map<std::string, NotifyQueue> queues) {
  std::vector<NotifyQueue> all;
  for (auto& [provider, queue] : queues) {
    queue.provider = provider;
    all.push_back(std::move(queue));
  }
  return all;
}

}  // namespace parley::backend
