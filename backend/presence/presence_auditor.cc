#include "backend/presence/presence_auditor.h"

#include "backend/presence/presence_fold.h"
#include "wire/topics.h"

namespace parley::backend {
namespace {

constexpr std::uint32_t kRowsAtOnce = 1000;

}  // namespace

PresenceAuditor::PresenceAuditor(RoomStore& rooms, PresenceStore& presence, Read read, Publisher& publisher,
                                 Pace& pace, std::uint32_t room_max, const RoomAgendaOptions& agenda,
                                 std::function<void()> wake, Metrics& metrics)
    : rooms_(rooms),
      presence_(presence),
      read_(std::move(read)),
      publisher_(publisher),
      pace_(pace),
      room_max_(room_max),
      wake_(std::move(wake)),
      looks_(metrics.counter("parley_presence_rooms_compared_total",
                             "Rooms whose retained presence was compared with what it should be.")),
      mended_(metrics.counter("parley_presence_mended_total",
                              "Retained presence messages that were not as they should be.")),
      failures_(metrics.counter("parley_presence_failures_total",
                                "Looks at a room's presence that could not be finished; tried again.")),
      agenda_(agenda) {}

void PresenceAuditor::room_changed(std::uint64_t room_id, SteadyTime now) {
  std::lock_guard lock(mutex_);
  agenda_.changed(room_id, now);
}

void PresenceAuditor::room_deleted(std::uint64_t room_id, const std::string& name) {
  std::lock_guard lock(mutex_);
  agenda_.deleted(room_id, name);
}

void PresenceAuditor::start(SteadyTime now) {
  std::lock_guard lock(mutex_);
  agenda_.start(now);
}

void PresenceAuditor::clear() {
  std::lock_guard lock(mutex_);
  agenda_.clear();
  for (const auto& audit : finished_) under_way_.erase(audit.room);
  finished_.clear();
}

bool PresenceAuditor::step(SteadyTime now) {
  return mend_finished(now) && begin_some(now);
}

std::optional<SteadyTime> PresenceAuditor::next_due() {
  std::lock_guard lock(mutex_);
  if (!finished_.empty()) return pace_.next();
  if (under_way_.size() >= kAtOnce) return std::nullopt;  // woken when one is finished
  if (const auto name = agenda_.next_deleted(); name && !under_way_.contains(*name)) return pace_.next();
  auto due = agenda_.next_due();
  return due ? std::optional(std::max(*due, pace_.next())) : std::nullopt;
}

bool PresenceAuditor::mend_finished(SteadyTime now) {
  while (pace_.left(now) > 0) {
    std::unique_lock lock(mutex_);
    if (finished_.empty()) return true;
    auto audit = std::move(finished_.back());
    finished_.pop_back();
    const auto at = under_way_.find(audit.room);
    const auto id = at->second;
    under_way_.erase(at);
    lock.unlock();
    looks_.add();
    if (mend(audit, now)) continue;
    failures_.add();
    again(audit.room, id, now);
    return false;
  }
  return true;
}

void PresenceAuditor::again(const std::string& room, std::uint64_t id, SteadyTime now) {
  std::lock_guard lock(mutex_);
  if (id == 0)
    agenda_.deleted(0, room);
  else
    agenda_.changed(id, now);
}

// All of it at once, whatever the pace: what is to be must not be older than what is found.
bool PresenceAuditor::mend(const Finished& audit, SteadyTime now) {
  if (!audit.found) return false;
  auto wanted = expected(audit.room);
  if (!wanted) return false;
  for (const auto& [topic, payload] : audit.found->payloads) {
    const auto at = wanted->find(topic);
    if (at == wanted->end())
      (*wanted)[topic] = "";
    else if (at->second == payload)
      wanted->erase(at);
  }
  for (const auto& [topic, payload] : *wanted) {
    if (!publisher_.publish({.topic = topic, .payload = payload, .retain = true})) return false;
    pace_.spend(1, now);
    mended_.add();
  }
  return audit.found->complete;
}

Result<std::map<std::string, std::string>> PresenceAuditor::expected(const std::string& name) {
  std::map<std::string, std::string> payloads;
  const auto room = rooms_.find(name);
  if (!room && room.error().code == Errc::not_found) return payloads;
  if (!room) return std::unexpected(room.error());
  if (room->members > room_max_) return payloads;
  std::string after;
  for (;;) {
    const auto rows = presence_.of_room(room->id, after, kRowsAtOnce);
    if (!rows) return std::unexpected(rows.error());
    for (const auto& row : *rows)
      if (row.seen())
        payloads[wire::room_topic(wire::TopicKind::room_presence, name, row.user)] = format_presence(row);
    if (rows->size() < kRowsAtOnce) return payloads;
    after = rows->back().user;
  }
}

bool PresenceAuditor::begin_some(SteadyTime now) {
  return begin_deleted() && begin_changed(now) && begin_pass(now);
}

std::size_t PresenceAuditor::places() {
  std::lock_guard lock(mutex_);
  return kAtOnce - under_way_.size();
}

bool PresenceAuditor::begin_deleted() {
  for (auto left = places(); left > 0; --left) {
    std::unique_lock lock(mutex_);
    const auto name = agenda_.next_deleted();
    if (!name || under_way_.contains(*name)) return true;
    agenda_.drop_deleted();
    lock.unlock();
    begin(0, *name);
  }
  return true;
}

bool PresenceAuditor::begin_changed(SteadyTime now) {
  const auto free = places();
  if (free == 0) return true;
  std::unique_lock lock(mutex_);
  const auto due = agenda_.take_due(now, free);
  lock.unlock();
  bool all_well = true;
  for (const auto id : due) {
    const auto room = rooms_.get(id);
    if (room) {
      begin(id, room->name);
    } else if (room.error().code != Errc::not_found) {
      again("", id, now);
      all_well = false;
    }
  }
  return all_well;
}

bool PresenceAuditor::begin_pass(SteadyTime now) {
  const auto free = places();
  if (free == 0) return true;
  std::unique_lock lock(mutex_);
  const auto after = agenda_.pass_from(now);
  const auto few = std::min<std::uint32_t>(agenda_.pass_rooms(), static_cast<std::uint32_t>(free));
  lock.unlock();
  if (!after) return true;
  const auto rooms = rooms_.list({.which = RoomQuery::Which::all, .user = "", .after = *after, .limit = few});
  if (!rooms) return false;
  for (const auto& entry : *rooms) {
    begin(entry.room.id, entry.room.name);
    lock.lock();
    agenda_.looked_at(entry.room.name);
    lock.unlock();
  }
  lock.lock();
  if (rooms->empty()) agenda_.all_looked_at();
  return true;
}

void PresenceAuditor::begin(std::uint64_t id, const std::string& room) {
  {
    std::lock_guard lock(mutex_);
    if (!under_way_.emplace(room, id).second) {
      // What it reads may be of before: once more, after it.
      if (id != 0) agenda_.put_back(id);
      return;
    }
  }
  read_(wire::room_topic(wire::TopicKind::room_presence, room, "+"),
        [this, room](Result<RetainedMessages> found) {
          {
            std::lock_guard lock(mutex_);
            finished_.push_back({room, std::move(found)});
          }
          wake_();
        });
}

}  // namespace parley::backend
