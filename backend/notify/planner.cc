#include "backend/notify/planner.h"

#include <algorithm>
#include <array>
#include <utility>

#include "backend/notify/time_zone.h"
#include "base/encoding.h"
#include "wire/entry.h"
#include "wire/envelope.h"

namespace parley::backend {
namespace {

using What = NotifyRuling::What;
using std::chrono::milliseconds;

constexpr milliseconds kAfterFailure{500};
constexpr milliseconds kRoomRests{5'000};  // one that could not be looked at
constexpr milliseconds kComplaints{60'000};
constexpr milliseconds kUntilKnown{200};
constexpr std::uint32_t kEntriesAtOnce = 500;

RoomAgendaOptions agenda_options(const PlannerOptions& options) {
  return {.debounce = options.debounce};
}

bool for_digest(const std::string& provider) {
  return provider == "email";
}

SteadyTime steady_of(WallTime at, const Clock& clock) {
  return clock.steady() +
         std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(at - clock.wall()));
}

}  // namespace

Planner::Planner(Stores& stores, PlannerSurroundings around, Metrics& metrics, const Clock& clock,
                 LogSink log, PlannerOptions options)
    : stores_(stores),
      around_(std::move(around)),
      clock_(clock),
      log_(std::move(log)),
      options_(std::move(options)),
      looks_(metrics.counter("parley_notify_looks_total", "Looks at rooms for messages to notify of.")),
      marks_(
          metrics.counter("parley_notify_marks_total",
                          "Members found to be told of a room's messages, once for each of their targets.")),
      failures_(metrics.counter("parley_notify_plan_failures_total",
                                "Times planning notifications had to stop for an error; it goes on.")),
      look_seconds_(metrics.histogram("parley_notify_look_seconds",
                                      "How long a look at a room and all its members took.")),
      agenda_(agenda_options(options_)),
      judge_(stores, around_.attention, metrics, clock, options_.judge) {}

void Planner::activate() {
  std::lock_guard lock(mutex_);
  active_ = true;
  begin_ = true;
  agenda_.start(clock_.steady());
  thread_.wake();
}

void Planner::deactivate() {
  std::lock_guard lock(mutex_);
  active_ = false;
  agenda_.clear();
}

void Planner::messages_stored(std::uint64_t room_id, std::uint64_t) {
  std::lock_guard lock(mutex_);
  if (!active_) return;  // every room is looked at after the next activate()
  if (agenda_.changed(room_id, clock_.steady())) thread_.wake();
}

std::optional<SteadyTime> Planner::step() {
  const auto now = clock_.steady();
  {
    std::lock_guard lock(mutex_);
    if (!active_) return std::nullopt;
    if (std::exchange(begin_, false)) judge_.look_again();
  }
  if (!around_.attention("")) return now + kUntilKnown;
  const bool judged = judge_due();
  if (judged) plan_due(now);
  if (!judged || !pass(now)) {
    failures_.add();
    return now + kAfterFailure;
  }
  return next_due();
}

bool Planner::judge_due() {
  const auto ready = judge_.step();
  if (ready && *ready) around_.jobs_ready();
  return ready.has_value();
}

// A room that can't be looked at, as when its shard is down, holds up no others.
void Planner::plan_due(SteadyTime now) {
  std::vector<std::uint64_t> due;
  {
    std::lock_guard lock(mutex_);
    due = agenda_.take_due(now, 1);
  }
  for (const auto room : due) {
    const auto planned = plan(room);
    if (planned) continue;
    failures_.add();
    if (now >= complain_at_) {
      complain_at_ = now + kComplaints;
      log_(LogLevel::warning, "notifications are not planned just now: " + planned.error().message);
    }
    std::lock_guard lock(mutex_);
    agenda_.put_back(room, now + kRoomRests);
  }
}

// The next few rooms of a pass over all: those with messages above their cursors are looked at like changed ones.
bool Planner::pass(SteadyTime now) {
  std::optional<std::string> after;
  {
    std::lock_guard lock(mutex_);
    after = agenda_.pass_from(now);
  }
  if (!after) return true;
  const auto rooms = stores_.rooms->list(
      {.which = RoomQuery::Which::all, .user = "", .after = *after, .limit = agenda_.pass_rooms()});
  if (!rooms) return false;
  std::vector<std::uint64_t> ids;
  for (const auto& item : *rooms) ids.push_back(item.room.id);
  const auto cursors = stores_.notify->cursors(ids);
  if (!cursors) return false;
  std::lock_guard lock(mutex_);
  if (!active_ || begin_) return true;  // meanwhile a new one has begun, which is not this far
  for (std::size_t i = 0; i < rooms->size(); ++i) {
    const auto& room = (*rooms)[i].room;
    if (room.last_seq != (*cursors)[i]) agenda_.changed(room.id, now);
    agenda_.looked_at(room.name);
  }
  if (rooms->empty()) agenda_.all_looked_at();
  return true;
}

Result<> Planner::plan(std::uint64_t room_id) {
  const auto room = stores_.rooms->get(room_id);
  if (!room) return room.error().code == Errc::not_found ? Result<>() : std::unexpected(room.error());
  const auto cursor = stores_.notify->cursors(std::span(&room_id, 1));
  if (!cursor) return std::unexpected(cursor.error());
  const auto told = cursor->front();
  if (told == room->last_seq) return {};
  // Above it: the room was restored to what it had been before. What it has now is not what the cursor passed.
  return plan(*room, told < room->last_seq ? told : 0);
}

Result<> Planner::plan(const Room& room, std::uint64_t cursor) {
  const auto began = clock_.steady();
  const bool direct = room.kind == wire::RoomKind::direct;
  Look look{
      .room = room,
      .level = default_level(direct, room.members, options_.judge.default_level, options_.judge.large_room),
      .everyone_counts = room.members <= options_.everyone_max};
  if (auto read = read_news(look, cursor); !read) return read;
  if (const auto& changed = look.news.changed(); !changed.empty()) {
    const auto touched = stores_.notify->touch(room.id, changed, clock_.wall());
    if (!touched) return std::unexpected(touched.error());
    if (*touched > 0) judge_.look_again();
  }
  if (!look.news.empty())
    if (auto marked = mark_members(look); !marked) return marked;
  looks_.add();
  look_seconds_.observe(std::chrono::duration<double>(clock_.steady() - began).count());
  return stores_.notify->set_cursor(room.id, look.room.last_seq);
}

// Whether nothing was written since: when many rooms are looked at for the first time, most are like that.
Result<bool> Planner::quiet_since(const Room& room, WallTime since) {
  const auto page = stores_.messages->page({.room_id = room.id, .before = room.last_seq + 1, .limit = 1});
  if (!page) return std::unexpected(page.error());
  if (page->envelopes.empty()) return true;
  const auto envelope = wire::parse_envelope(page->envelopes.back());
  return envelope && from_ms(envelope->at) < since;
}

// Up to look.room.last_seq, which becomes what was read.
Result<> Planner::read_news(Look& look, std::uint64_t cursor) {
  const auto newest = look.room.last_seq;
  const auto reach = cursor == 0 ? kFirstLook : kEntriesMax;
  auto after = std::max(cursor, newest > reach ? newest - reach : 0);
  const auto since = clock_.wall() - options_.judge.times.max_age;
  if (newest - after > kEntriesAtOnce / 10) {
    const auto quiet = quiet_since(look.room, since);
    if (!quiet) return std::unexpected(quiet.error());
    if (*quiet) return {};
  }
  while (after < newest) {
    const auto page = stores_.messages->page(
        {.room_id = look.room.id, .after = after, .limit = kEntriesAtOnce, .max_bytes = 4 * 1024 * 1024});
    if (!page) return std::unexpected(page.error());
    if (page->envelopes.empty()) break;
    for (const auto& envelope : page->envelopes) look.news.add(envelope, since);
    const auto last = wire::seq_of_envelope(page->envelopes.back());
    if (last <= after) break;
    after = last;
  }
  look.room.last_seq = std::max(newest, after);
  return {};
}

Result<> Planner::mark_members(const Look& look) {
  CandidateQuery query{.room_id = look.room.id,
                       .limit = options_.page,
                       .reachable_only = options_.for_everybody.empty(),
                       .senders = look.news.senders()};
  std::vector<NotifyMark> marks;
  for (;;) {
    const auto members = stores_.notify->candidates(query);
    if (!members) return std::unexpected(members.error());
    for (const auto& member : *members) mark_member(look, member, marks);
    if (auto done = put(marks, kNotifyBatchMax); !done) return done;
    if (members->size() < query.limit) break;
    query.after = members->back().user;
  }
  return put(marks, 1);
}

// Writes marks while there are at least so many.
Result<> Planner::put(std::vector<NotifyMark>& marks, std::size_t at_least) {
  std::size_t done = 0;
  while (marks.size() - done >= at_least && done < marks.size()) {
    const auto some =
        std::span(marks).subspan(done, std::min<std::size_t>(kNotifyBatchMax, marks.size() - done));
    if (auto marked = stores_.notify->mark(some, clock_.wall()); !marked) return marked;
    marks_.add(static_cast<double>(some.size()));
    judge_.look_again();
    done += some.size();
  }
  marks.erase(marks.begin(), marks.begin() + static_cast<std::ptrdiff_t>(done));
  return {};
}

bool Planner::mentions(const Look& look, const NotifyCandidate& candidate, const Said& said) const {
  const auto key = fold_case(candidate.user);
  return std::ranges::any_of(said.mentions, [&](const auto& name) {
    return name == key || (look.everyone_counts && name == wire::kRoomMention);
  });
}

NotifyFacts Planner::facts_of(const Look& look, const NotifyCandidate& candidate, const Said& said) const {
  return {.member = candidate.role != wire::Role::none,
          .own = said.from == candidate.user,
          .read = candidate.read >= said.seq,
          .blocked = std::ranges::find(candidate.blocked, said.from) != candidate.blocked.end(),
          .direct = look.room.kind == wire::RoomKind::direct,
          .mention = mentions(look, candidate, said),
          .wishes = candidate.room,
          .level_by_default = look.level,
          .at = said.at,
          .now = clock_.wall()};
}

// Of the newest message that is worth it, if any is.
void Planner::mark_member(const Look& look, const NotifyCandidate& candidate,
                          std::vector<NotifyMark>& marks) {
  if (candidate.targets.empty() && options_.for_everybody.empty()) return;
  const auto attention = around_.attention(candidate.user).value_or(Attention::offline);
  const auto quiet_until = backend::quiet_until(candidate.quiet, clock_.wall());
  const Said* found = nullptr;
  NotifyFacts facts;
  NotifyRuling ruling{.what = What::never};
  const auto judge = [&](const Said& said) {
    facts = facts_of(look, candidate, said);
    facts.attention = attention;
    facts.quiet_until = quiet_until;
    ruling = rule(facts, options_.judge.times);
    if (ruling.what != What::never) found = &said;
    return found != nullptr;
  };
  const auto& said = look.news.said();
  if (std::find_if(said.rbegin(), said.rend(), judge) == said.rend()) {
    const auto* before = look.news.mentioned_before(fold_case(candidate.user));
    if (!before || !judge(*before)) return;
  }
  const auto due = ruling.what == What::later ? ruling.when : facts.now;
  const auto before = marks.size();
  const auto add = [&](const std::string& target, const std::string& provider) {
    if (for_digest(provider))
      return marks.push_back({.user = candidate.user,
                              .target = target,
                              .provider = provider,
                              .seq = static_cast<std::uint64_t>(to_ms(found->at)),
                              .mention = facts.mention,
                              .due = std::max(due, found->at + options_.email_delay)});
    marks.push_back({.user = candidate.user,
                     .target = target,
                     .provider = provider,
                     .room_id = look.room.id,
                     .seq = found->seq,
                     .mention = facts.mention,
                     .due = due});
  };
  const auto& used = options_.providers;
  for (const auto& target : candidate.targets)
    if (used.empty() || std::ranges::find(used, target.provider) != used.end())
      add(target.id, target.provider);
  for (const auto& provider : options_.for_everybody) add("@" + provider, provider);
  note_planned(look, candidate, *found, marks.size() - before);
}

void Planner::note_planned(const Look& look, const NotifyCandidate& candidate, const Said& said,
                           std::size_t targets) {
  if (!options_.events.wanted(LogLevel::debug)) return;
  const auto id = format_ulid(said.id);
  options_.events(LogLevel::debug, "notification planned",
                  {{"id", std::string_view(id)},
                   {"room", std::string_view(look.room.name)},
                   {"seq", said.seq},
                   {"user", std::string_view(candidate.user)},
                   {"targets", std::uint64_t{targets}}});
}

std::optional<SteadyTime> Planner::next_due() {
  std::unique_lock lock(mutex_);
  const auto due = agenda_.next_due();
  lock.unlock();
  const auto job = steady_of(judge_.next(), clock_);
  return due ? std::min(*due, job) : job;
}

}  // namespace parley::backend
