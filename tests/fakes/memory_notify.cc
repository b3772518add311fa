#include <algorithm>

#include "tests/fakes/memory_stores.h"

namespace parley::backend {
namespace {

using State = NotifyJob::State;

// One random id for each; they need not be in order.
std::string new_notice(WallTime now) {
  return format_ulid(UlidGenerator().next(now));
}

class MemoryNotifyStore final : public NotifyStore {
 public:
  explicit MemoryNotifyStore(std::shared_ptr<MemoryDatabase> database) : database_(std::move(database)) {}

  Result<std::vector<std::uint64_t>> cursors(std::span<const std::uint64_t> rooms) override {
    std::lock_guard lock(database_->mutex);
    std::vector<std::uint64_t> seqs;
    for (const auto room : rooms) {
      const auto at = database_->notify_cursors.find(room);
      seqs.push_back(at == database_->notify_cursors.end() ? 0 : at->second);
    }
    return seqs;
  }
  Result<> set_cursor(std::uint64_t room_id, std::uint64_t seq) override {
    std::lock_guard lock(database_->mutex);
    if (database_->living(room_id)) database_->notify_cursors[room_id] = seq;
    return {};
  }
  Result<std::vector<NotifyCandidate>> candidates(const CandidateQuery& query) override;
  Result<> mark(std::span<const NotifyMark> marks, WallTime now) override;
  Result<std::uint32_t> touch(std::uint64_t room_id, std::span<const std::uint64_t> seqs,
                              WallTime now) override;
  Result<std::vector<NotifyJob>> due(WallTime now, std::uint32_t limit) override;
  Result<std::optional<WallTime>> next_due() override;
  Result<> judge(std::span<const NotifyVerdict> verdicts, WallTime now) override;

 private:
  std::optional<NotifyCandidate> candidate(const CandidateQuery& query, const std::string& user) const;

  std::shared_ptr<MemoryDatabase> database_;
};

std::optional<NotifyCandidate> MemoryNotifyStore::candidate(const CandidateQuery& query,
                                                            const std::string& user) const {
  const auto account = database_->accounts.find(user);
  if (account == database_->accounts.end() || account->second.disabled) return std::nullopt;
  NotifyCandidate found{.user = user};
  const auto key = std::pair(query.room_id, user);
  if (const auto at = database_->standings.find(key);
      at != database_->standings.end() && !at->second.banned) {
    found.role = at->second.role;
    found.read = at->second.marks.read;
  }
  if (const auto at = database_->room_wishes.find(key); at != database_->room_wishes.end())
    found.room = at->second;
  if (const auto at = database_->quiet_hours.find(user); at != database_->quiet_hours.end())
    found.quiet = at->second;
  if (const auto at = database_->blocked.find(user); at != database_->blocked.end())
    std::ranges::copy_if(at->second, std::back_inserter(found.blocked), [&](const auto& whom) {
      return std::ranges::find(query.senders, whom) != query.senders.end();
    });
  for (const auto& [id, one] : database_->registrations)
    if (one.user == user) found.targets.push_back({id, one.provider});
  return found;
}

Result<std::vector<NotifyCandidate>> MemoryNotifyStore::candidates(const CandidateQuery& query) {
  std::lock_guard lock(database_->mutex);
  std::vector<NotifyCandidate> all;
  if (query.users) {
    for (const auto& user : *query.users)
      if (auto found = candidate(query, user)) all.push_back(std::move(*found));
    return all;
  }
  for (const auto& [name, account] : database_->accounts) {
    if (name <= query.after || all.size() == query.limit) continue;
    auto found = candidate(query, name);
    if (!found || found->role == wire::Role::none) continue;
    if (query.reachable_only && found->targets.empty()) continue;
    all.push_back(std::move(*found));
  }
  return all;
}

Result<> MemoryNotifyStore::mark(std::span<const NotifyMark> marks, WallTime now) {
  std::lock_guard lock(database_->mutex);
  auto& jobs = database_->notify_jobs;
  for (const auto& mark : marks) {
    if (!database_->may_be_told(mark.user, mark.target, mark.room_id)) continue;
    const auto at = std::ranges::find_if(jobs, [&](const auto& item) {
      const auto& job = item.second.job;
      return job.room_id == mark.room_id && job.user == mark.user && job.target == mark.target;
    });
    if (at != jobs.end()) {
      mark_job(at->second, mark, now);
      continue;
    }
    auto made = job_of(mark, now);
    made.job.id = ++database_->last_job;
    jobs[made.job.id] = std::move(made);
  }
  return {};
}

Result<std::uint32_t> MemoryNotifyStore::touch(std::uint64_t room_id, std::span<const std::uint64_t> seqs,
                                               WallTime now) {
  std::lock_guard lock(database_->mutex);
  std::uint32_t touched = 0;
  for (auto& [id, kept] : database_->notify_jobs) {
    if (kept.job.room_id != room_id || !touches(kept, seqs)) continue;
    touch_job(kept, now);
    ++touched;
  }
  return touched;
}

Result<std::vector<NotifyJob>> MemoryNotifyStore::due(WallTime now, std::uint32_t limit) {
  std::lock_guard lock(database_->mutex);
  std::vector<NotifyJob> found;
  for (const auto& [id, kept] : database_->notify_jobs)
    if (kept.job.state == State::waiting && kept.job.due <= now) found.push_back(kept.job);
  std::ranges::stable_sort(found, {}, &NotifyJob::due);
  if (found.size() > limit) found.resize(limit);
  return found;
}

Result<std::optional<WallTime>> MemoryNotifyStore::next_due() {
  std::lock_guard lock(database_->mutex);
  std::optional<WallTime> next;
  for (const auto& [id, kept] : database_->notify_jobs)
    if (kept.job.state == State::waiting) next = std::min(next.value_or(kept.job.due), kept.job.due);
  return next;
}

Result<> MemoryNotifyStore::judge(std::span<const NotifyVerdict> verdicts, WallTime now) {
  std::lock_guard lock(database_->mutex);
  for (const auto& verdict : verdicts) {
    const auto at = database_->notify_jobs.find(verdict.job);
    if (at == database_->notify_jobs.end()) continue;
    const auto step = judge_job(at->second, verdict, now);
    if (step.event) database_->notify_log[++database_->last_event] = *step.event;
    if (step.fate == JobFate::gone) database_->notify_jobs.erase(at);
  }
  return {};
}

class MemoryNotifyDelivery final : public NotifyDelivery {
 public:
  explicit MemoryNotifyDelivery(std::shared_ptr<MemoryDatabase> database) : database_(std::move(database)) {}

  Result<std::vector<NotifyJob>> claim(const std::string& provider, const std::string& by,
                                       std::uint32_t limit, WallTime now, WallTime until) override;
  Result<std::uint32_t> finish(const std::string& by, std::span<const NotifyResult> results,
                               WallTime now) override;
  Result<std::vector<NotifyLogRow>> log(const NotifyLogQuery& query) override;
  Result<std::vector<DeadLetter>> dead(std::uint64_t after, std::uint32_t limit) override;
  Result<std::uint32_t> retry_dead(std::span<const std::uint64_t> ids, WallTime now) override;
  Result<std::vector<NotifyQueue>> queues() override;
  Result<bool> sweep(WallTime shown_before, WallTime kept_from, std::uint32_t limit) override;

 private:
  std::string room_name(std::uint64_t room_id) const {
    const auto* row = database_->living(room_id);
    return row ? row->room.name : "";
  }
  bool revive(const DeadJob& dead, WallTime now);

  std::shared_ptr<MemoryDatabase> database_;
};

Result<std::vector<NotifyJob>> MemoryNotifyDelivery::claim(const std::string& provider, const std::string& by,
                                                           std::uint32_t limit, WallTime now,
                                                           WallTime until) {
  std::lock_guard lock(database_->mutex);
  std::vector<KeptJob*> found;
  for (auto& [id, kept] : database_->notify_jobs) {
    const auto& job = kept.job;
    if (job.provider == provider && (job.state == State::ready || job.state == State::sending) &&
        job.due <= now)
      found.push_back(&kept);
  }
  std::ranges::stable_sort(found, {}, [](const KeptJob* kept) { return kept->job.due; });
  if (found.size() > limit) found.resize(limit);
  std::vector<NotifyJob> claimed;
  for (auto* kept : found) {
    claim_job(*kept, by, new_notice(now), until);
    claimed.push_back(kept->job);
  }
  return claimed;
}

Result<std::uint32_t> MemoryNotifyDelivery::finish(const std::string& by,
                                                   std::span<const NotifyResult> results, WallTime now) {
  std::lock_guard lock(database_->mutex);
  std::uint32_t theirs = 0;
  for (const auto& result : results) {
    const auto at = database_->notify_jobs.find(result.job);
    if (at == database_->notify_jobs.end()) continue;
    const auto step = finish_job(at->second, by, result, now);
    theirs += step.fate != JobFate::untouched;
    if (step.event) database_->notify_log[++database_->last_event] = *step.event;
    if (step.dead) database_->dead_letters[++database_->last_dead] = *step.dead;
    if (step.fate == JobFate::gone) database_->notify_jobs.erase(at);
  }
  return theirs;
}

Result<std::vector<NotifyLogRow>> MemoryNotifyDelivery::log(const NotifyLogQuery& query) {
  std::lock_guard lock(database_->mutex);
  const auto fits = [](const std::string& wanted, const std::string& is) {
    return wanted.empty() || wanted == is;
  };
  std::vector<NotifyLogRow> rows;
  for (auto at = database_->notify_log.rbegin(); at != database_->notify_log.rend(); ++at) {
    const auto& [id, event] = *at;
    if ((query.before > 0 && id >= query.before) || rows.size() == query.limit) continue;
    if (!fits(query.user, event.user) || !fits(query.provider, event.provider) ||
        !fits(query.outcome, event.outcome))
      continue;
    rows.push_back({.id = id,
                    .at = event.at,
                    .user = event.user,
                    .provider = event.provider,
                    .target = event.target,
                    .room = room_name(event.room_id),
                    .seq = event.seq,
                    .outcome = event.outcome,
                    .reason = event.reason,
                    .notice = event.notice,
                    .attempts = event.attempts,
                    .took = event.took});
  }
  return rows;
}

Result<std::vector<DeadLetter>> MemoryNotifyDelivery::dead(std::uint64_t after, std::uint32_t limit) {
  std::lock_guard lock(database_->mutex);
  std::vector<DeadLetter> letters;
  for (auto at = database_->dead_letters.upper_bound(after);
       at != database_->dead_letters.end() && letters.size() < limit; ++at) {
    const auto& event = at->second.event;
    letters.push_back({.id = at->first,
                       .at = event.at,
                       .user = event.user,
                       .provider = event.provider,
                       .target = event.target,
                       .room = room_name(event.room_id),
                       .seq = event.seq,
                       .reason = event.reason,
                       .notice = event.notice,
                       .attempts = event.attempts});
  }
  return letters;
}

// Whether there is a job now.
bool MemoryNotifyDelivery::revive(const DeadJob& dead, WallTime now) {
  const auto& event = dead.event;
  if (!database_->may_be_told(event.user, event.target, event.room_id)) return false;
  for (auto& [id, kept] : database_->notify_jobs)
    if (kept.job.room_id == event.room_id && kept.job.user == event.user && kept.job.target == event.target) {
      revive_job(kept, dead, now);
      return true;
    }
  auto made = job_of(dead, now);
  made.job.id = ++database_->last_job;
  database_->notify_jobs[made.job.id] = std::move(made);
  return true;
}

Result<std::uint32_t> MemoryNotifyDelivery::retry_dead(std::span<const std::uint64_t> ids, WallTime now) {
  std::lock_guard lock(database_->mutex);
  std::vector<DeadJob> letters;
  std::erase_if(database_->dead_letters, [&](const auto& item) {
    if (ids.empty() ? letters.size() == kNotifyBatchMax : std::ranges::find(ids, item.first) == ids.end())
      return false;
    letters.push_back(item.second);
    return true;
  });
  std::uint32_t jobs = 0;
  for (const auto& letter : newest_letters(std::move(letters))) jobs += revive(letter, now);
  return jobs;
}

Result<std::vector<NotifyQueue>> MemoryNotifyDelivery::queues() {
  std::lock_guard lock(database_->mutex);
  std::map<std::string, NotifyQueue> queues;
  for (const auto& [id, kept] : database_->notify_jobs) {
    const auto& job = kept.job;
    auto& queue = queues[job.provider];
    queue.waiting += job.state == State::waiting;
    queue.ready += job.state == State::ready;
    queue.sending += job.state == State::sending;
    queue.shown += job.state == State::shown;
    if (job.state != State::ready && job.state != State::sending) continue;
    queue.oldest = queue.oldest == WallTime{} ? job.since : std::min(queue.oldest, job.since);
  }
  for (const auto& [id, letter] : database_->dead_letters) ++queues[letter.event.provider].dead;
  return list_of(std::move(queues));
}

Result<bool> MemoryNotifyDelivery::sweep(WallTime shown_before, WallTime kept_from, std::uint32_t limit) {
  std::lock_guard lock(database_->mutex);
  bool more = false;
  const auto some = [&](auto& rows, auto is_old) {
    std::uint32_t gone = 0;
    std::erase_if(rows, [&](const auto& item) { return gone < limit && is_old(item.second) && ++gone; });
    more |= gone == limit;
  };
  some(database_->notify_jobs, [&](const KeptJob& kept) {
    return kept.job.state == State::shown && kept.job.shown_at < shown_before;
  });
  some(database_->notify_log, [&](const NotifyEvent& event) { return event.at < kept_from; });
  some(database_->dead_letters, [&](const DeadJob& dead) { return dead.event.at < kept_from; });
  while (database_->dead_letters.size() > kDeadLettersMax)
    database_->dead_letters.erase(database_->dead_letters.begin());
  return more;
}

}  // namespace

bool MemoryDatabase::may_be_told(const std::string& user, const std::string& target, std::uint64_t room_id) {
  const auto account = accounts.find(user);
  if (account == accounts.end() || account->second.disabled) return false;
  if (room_id != 0 && !living(room_id)) return false;
  if (of_operator(target)) return true;
  const auto at = registrations.find(target);
  return at != registrations.end() && at->second.user == user;
}

std::unique_ptr<NotifyStore> memory_notify(std::shared_ptr<MemoryDatabase> database) {
  return std::make_unique<MemoryNotifyStore>(std::move(database));
}

std::unique_ptr<NotifyDelivery> memory_deliveries(std::shared_ptr<MemoryDatabase> database) {
  return std::make_unique<MemoryNotifyDelivery>(std::move(database));
}

}  // namespace parley::backend
