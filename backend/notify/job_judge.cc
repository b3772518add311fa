#include "backend/notify/job_judge.h"

#include <algorithm>
#include <utility>

#include "backend/notify/time_zone.h"
#include "wire/envelope.h"

namespace parley::backend {
namespace {

constexpr std::uint64_t kDigest = 0;  // NotifyJob::room_id
constexpr std::chrono::milliseconds kPutOff{5'000};

}  // namespace

JobJudge::JobJudge(Stores& stores, AttentionOf attention, Metrics& metrics, const Clock& clock,
                   const JudgeOptions& options)
    : stores_(stores),
      attention_(std::move(attention)),
      clock_(clock),
      options_(options),
      pace_(options.user_per_minute) {
  using What = NotifyVerdict::What;
  for (const auto& [what, name] :
       {std::pair{What::ready, "ready"}, {What::later, "later"}, {What::drop, "dropped"}})
    counted_.emplace(what, metrics.counter("parley_notify_verdicts_total", "Jobs judged when they were due.",
                                           {{"verdict", name}}));
}

Result<bool> JobJudge::step() {
  const auto now = clock_.wall();
  if (next_ > now && next_ <= now + options_.poll) return false;  // later: the clock was set back
  const auto jobs = stores_.notify->due(clock_.wall(), options_.jobs_at_once);
  if (!jobs) return std::unexpected(jobs.error());
  bool ready = false;
  if (!jobs->empty()) {
    const auto verdicts = judge(*jobs);
    if (!verdicts) return std::unexpected(verdicts.error());
    const auto done = put(*verdicts);
    if (!done) return done;
    ready = *done;
  }
  const auto next = stores_.notify->next_due();
  if (!next) return std::unexpected(next.error());
  next_ = clock_.wall() + options_.poll;
  if (*next) next_ = std::min(next_, **next);
  return ready;
}

Result<bool> JobJudge::put(const std::vector<NotifyVerdict>& verdicts) {
  if (auto judged = stores_.notify->judge(verdicts, clock_.wall()); !judged)
    return std::unexpected(judged.error());
  for (const auto& verdict : verdicts) counted_.at(verdict.what).add();
  return std::ranges::find(verdicts, NotifyVerdict::What::ready, &NotifyVerdict::what) != verdicts.end();
}

Result<std::vector<NotifyVerdict>> JobJudge::judge(const std::vector<NotifyJob>& jobs) {
  std::map<std::uint64_t, Jobs> rooms;
  for (const auto& job : jobs) rooms[job.room_id].push_back(&job);
  std::vector<NotifyVerdict> verdicts;
  for (const auto& [room, of_room] : rooms)
    if (auto judged = judge_of_room(room, of_room, verdicts); !judged) return std::unexpected(judged.error());
  return verdicts;
}

Result<> JobJudge::judge_of_room(std::uint64_t room_id, const Jobs& jobs,
                                 std::vector<NotifyVerdict>& verdicts) {
  std::vector<std::string> users;
  for (const auto* job : jobs) users.push_back(job->user);
  std::ranges::sort(users);
  users.erase(std::unique(users.begin(), users.end()), users.end());
  const auto candidates = stores_.notify->candidates({.room_id = room_id, .users = users});
  if (!candidates) return std::unexpected(candidates.error());
  Room room;
  if (room_id != kDigest) {
    auto found = stores_.rooms->get(room_id);
    if (!found && found.error().code != Errc::not_found) return put_off(jobs, verdicts);
    if (found) room = *std::move(found);
  }
  std::map<std::uint64_t, WallTime> times;
  for (const auto* job : jobs) {
    const auto at = std::ranges::find(*candidates, job->user, &NotifyCandidate::user);
    auto facts = facts_of(*job, room, at == candidates->end() ? nullptr : &*at);
    if (facts.attention == Attention::online && !facts.read) facts.at = written(*job, times);
    verdicts.push_back(verdict(*job, facts));
  }
  return {};
}

// Nothing is known of the room, as when its shard is down: others' jobs are judged meanwhile.
Result<> JobJudge::put_off(const Jobs& jobs, std::vector<NotifyVerdict>& verdicts) const {
  for (const auto* job : jobs)
    verdicts.push_back({.job = job->id,
                        .what = NotifyVerdict::What::later,
                        .due = clock_.wall() + kPutOff,
                        .want_seq = job->want_seq,
                        .changed = job->changed});
  return {};
}

// When the newest message the job tells of was written: to whoever is online each one is told when their connection turns out to
// have been a dead one, not only the first of those the job has waited with.
WallTime JobJudge::written(const NotifyJob& job, std::map<std::uint64_t, WallTime>& of_room) const {
  if (job.room_id == kDigest) return from_ms(static_cast<std::int64_t>(job.want_seq));
  if (const auto known = of_room.find(job.want_seq); known != of_room.end()) return known->second;
  const auto page =
      stores_.messages->page({.room_id = job.room_id, .after = job.want_seq - 1, .limit = 1, .max_bytes = 1});
  if (!page) return of_room[job.want_seq] = clock_.wall();  // not known: it is asked again
  auto& at = of_room[job.want_seq] = job.since;
  if (page->envelopes.empty()) return at;  // it has expired
  const auto envelope = wire::parse_envelope(page->envelopes.front());
  if (envelope && envelope->seq == job.want_seq) at = from_ms(envelope->at);
  return at;
}

// A digest's rooms are looked at when it is composed.
NotifyFacts JobJudge::facts_of(const NotifyJob& job, const Room& room, const NotifyCandidate* user) const {
  const bool direct = room.kind == wire::RoomKind::direct;
  NotifyFacts facts{
      .member = false,
      .direct = direct,
      .level_by_default = default_level(direct, room.members, options_.default_level, options_.large_room),
      .at = job.since,
      .now = clock_.wall()};
  if (!user) return facts;
  const bool digest = job.room_id == kDigest;
  facts.member = digest || user->role != wire::Role::none;
  facts.read = !digest && user->read >= job.want_seq;
  facts.mention = digest || job.mention_seq > std::max(user->read, job.shown_seq);
  facts.wishes = user->room;
  facts.quiet_until = quiet_until(user->quiet, facts.now);
  facts.attention = attention_(job.user).value_or(Attention::offline);
  if (digest) facts.level_by_default = NotifyLevel::all;  // each room's own said that it is worth one
  return facts;
}

// What is shown and has changed is brought up to date whoever is there.
NotifyVerdict JobJudge::verdict(const NotifyJob& job, const NotifyFacts& facts) {
  using What = NotifyVerdict::What;
  NotifyVerdict verdict{.job = job.id, .what = What::ready, .want_seq = job.want_seq, .changed = job.changed};
  if (job.changed && facts.member) return verdict;
  auto ruling = rule(facts, options_.times);
  if (ruling.what == NotifyRuling::What::tell) {
    const auto wait = pace_.take(job.user, facts.now);
    if (!wait) return verdict;
    ruling = {.what = NotifyRuling::What::later, .when = *wait};
  }
  if (ruling.what == NotifyRuling::What::later) {
    verdict.what = What::later;
    verdict.due = ruling.when;
    return verdict;
  }
  verdict.what = What::drop;
  verdict.reason = ruling.reason;
  return verdict;
}

}  // namespace parley::backend
