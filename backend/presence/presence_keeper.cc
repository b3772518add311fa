#include "backend/presence/presence_keeper.h"

#include <algorithm>
#include <iterator>

#include "wire/topics.h"

namespace parley::backend {
namespace {

constexpr std::uint32_t kRowsAtOnce = 500;
constexpr std::uint32_t kSessionsAtOnce = 500;
constexpr std::chrono::milliseconds kAfterFailure{500};

PresenceSession read_session(const nlohmann::json& json) {
  return {.number = json.value("session", std::uint64_t{0}),
          .user = json.value("user", ""),
          .device = json.value("device", "")};
}

std::string_view word(DeviceSays says) {
  switch (says) {
    case DeviceSays::online:
      return "online";
    case DeviceSays::away:
      return "away";
    case DeviceSays::offline:
      return "offline";
    case DeviceSays::nothing:
      break;
  }
  return "";
}

}  // namespace

PresenceKeeper::PresenceKeeper(Stores& stores, PresenceSurroundings surroundings, Metrics& metrics,
                               const Clock& clock, LogSink log, const PresenceOptions& options)
    : store_(*stores.presence),
      devices_(*stores.devices),
      around_(std::move(surroundings)),
      clock_(clock),
      log_(std::move(log)),
      options_(options),
      changes_(metrics.counter("parley_presence_changes_total", "Users shown with another presence.")),
      failures_(metrics.counter("parley_presence_store_failures_total",
                                "Steps of presence the database or the broker was away for; tried again.")),
      sessions_(metrics.gauge("parley_presence_sessions", "Connections of users to the broker.")),
      book_(options.times),
      register_(metrics),
      pace_(options.publish_per_s),
      counts_({.debounce = options.counts_every}),
      announcer_(
          *stores.rooms, around_.publisher, pace_, options.room_max,
          [this](std::uint64_t room_id) { counts_.changed(room_id, clock_.steady()); },
          metrics.counter("parley_presence_published_total", "Presence messages published to rooms.")),
      auditor_(
          *stores.rooms, store_, around_.read_retained, around_.publisher, pace_, options.room_max,
          {.rooms_per_s = options.publish_per_s}, [this] { thread_.wake(); }, metrics) {}

void PresenceKeeper::activate() {
  std::lock_guard lock(mutex_);
  load_at_ = {};
  begin_again();
}

void PresenceKeeper::deactivate() {
  std::lock_guard lock(mutex_);
  ++turn_;
  phase_ = Phase::idle;
  book_.end();
  thread_.wake();
}

// With the lock held.
void PresenceKeeper::begin_again() {
  ++turn_;
  phase_ = Phase::loading;
  book_.end();
  thread_.wake();
}

void PresenceKeeper::session_event(const wire::Event& event) {
  std::lock_guard lock(mutex_);
  if (phase_ == Phase::idle) return;
  const auto now = clock_.steady();
  register_.seen({.user = event.user,
                  .device = event.device,
                  .token = event.token,
                  .at = from_ms(event.at),
                  .connected = event.event == "connected"});
  if (event.event == "connected")
    book_.connected({.number = event.session, .user = event.user, .device = event.device}, now);
  else
    book_.disconnected(event.session, from_ms(event.at), now);
  if (book_.overflowed()) begin_again();
  sessions_.set(static_cast<double>(book_.sessions()));
  thread_.wake();
}

void PresenceKeeper::device_status(const std::string& user, const std::string& device,
                                   std::string_view payload) {
  std::lock_guard lock(mutex_);
  book_.status(user, device, payload, clock_.steady());
  thread_.wake();
}

void PresenceKeeper::room_changed(std::uint64_t room_id) {
  auditor_.room_changed(room_id, clock_.steady());
  thread_.wake();
}

void PresenceKeeper::room_deleted(std::uint64_t room_id, const std::string& name) {
  auditor_.room_deleted(room_id, name);
  thread_.wake();
}

std::vector<LiveDevice> PresenceKeeper::devices(const std::string& user) {
  std::lock_guard lock(mutex_);
  std::vector<LiveDevice> all;
  for (auto& [device, connected, says] : book_.devices(user))
    all.push_back({std::move(device), connected, std::string(word(says))});
  return all;
}

bool PresenceKeeper::knows_connections() {
  std::lock_guard lock(mutex_);
  return phase_ == Phase::running;
}

PresenceCounts PresenceKeeper::shown_counts() {
  std::lock_guard lock(mutex_);
  return phase_ == Phase::idle ? PresenceCounts{} : book_.shown_counts();
}

void PresenceKeeper::invisible_changed(const std::string& user, bool invisible) {
  std::lock_guard lock(mutex_);
  reload_ = phase_ == Phase::loading;
  book_.set_invisible(user, invisible, clock_.wall(), clock_.steady());
  thread_.wake();
}

std::vector<DeviceSeen> PresenceKeeper::forget_device(const std::string& user, const std::string& device) {
  std::lock_guard lock(mutex_);
  if (!writing_.empty()) forgotten_meanwhile_.emplace_back(user, device);
  auto unwritten = register_.forget(user, device);
  std::ranges::copy_if(writing_, std::back_inserter(unwritten),
                       [&](const auto& seen) { return seen.user == user && seen.device == device; });
  return unwritten;
}

std::optional<SteadyTime> PresenceKeeper::step() {
  const auto now = clock_.steady();
  Phase phase;
  {
    std::lock_guard lock(mutex_);
    phase = phase_;
    if (phase == Phase::loading && now < load_at_) return load_at_;
    if (turn_ != turn_seen_) {
      announcer_.clear();
      auditor_.clear();
      counts_.clear();
    }
    turn_seen_ = turn_;
  }
  const bool all_well = phase == Phase::loading ? load() : phase != Phase::running || run(now);
  if (!all_well) {
    failures_.add();
    return now + kAfterFailure;
  }
  return next_due();
}

// What was shown when somebody watched last; then the broker is asked who is there.
bool PresenceKeeper::load() {
  std::vector<PresenceRow> shown;
  const auto watched_at = store_.watched_at();
  if (!watched_at) return false;
  for (std::string after;;) {
    auto rows = store_.watched(after, kRowsAtOnce);
    if (!rows) return false;
    const bool last = rows->size() < kRowsAtOnce;
    if (!last) after = rows->back().user;
    std::ranges::move(*rows, std::back_inserter(shown));
    if (last) break;
  }
  std::unique_lock lock(mutex_);
  if (turn_ != turn_seen_) return true;
  if (std::exchange(reload_, false)) return false;
  book_.begin(shown, *watched_at);
  phase_ = Phase::listing;
  lock.unlock();
  around_.subscribe_statuses();
  list_sessions(turn_seen_, "");
  return true;
}

void PresenceKeeper::list_sessions(std::uint64_t turn, const std::string& after) {
  around_.broker.sessions({.user = "", .after = after, .limit = kSessionsAtOnce},
                          [this, turn](const Result<nlohmann::json>& answer) { listed(turn, answer); });
}

void PresenceKeeper::listed(std::uint64_t turn, const Result<nlohmann::json>& answer) {
  std::string last;
  {
    std::lock_guard lock(mutex_);
    if (turn != turn_) return;
    const auto now = clock_.steady();
    if (!answer) {
      log_(LogLevel::warning, "who is connected is not known yet: " + answer.error().message);
      load_at_ = now + kAfterFailure;
      return begin_again();
    }
    for (const auto& item : (*answer)["sessions"]) {
      const auto session = read_session(item);
      last = session.device;
      book_.listed(session, now);
      register_.seen({.user = session.user,
                      .device = session.device,
                      .token = item.value("token", ""),
                      .at = from_ms(item.value("connected_at", std::int64_t{0})),
                      .connected = true});
    }
    if (!answer->value("more", false) || last.empty()) {
      book_.complete(now);
      phase_ = Phase::running;
      auditor_.start(now);
      sessions_.set(static_cast<double>(book_.sessions()));
      return thread_.wake();
    }
  }
  list_sessions(turn, last);
}

bool PresenceKeeper::run(SteadyTime now) {
  clear_stale(now);
  tell_counts(now);
  return decide(now) && announcer_.step(now) && auditor_.step(now) && note_devices() && note_watching(now);
}

// Those whose presence is to be shown: written down, then announced.
bool PresenceKeeper::decide(SteadyTime now) {
  std::unique_lock lock(mutex_);
  const auto rows = book_.due(now, clock_.wall(), kRowsAtOnce);
  lock.unlock();
  if (rows.empty()) return true;
  if (!store_.put(rows)) return false;
  lock.lock();
  if (turn_ != turn_seen_) return true;
  for (const auto& row : rows) {
    book_.shown(row, now);
    announcer_.announce(row);
  }
  changes_.add(static_cast<double>(rows.size()));
  return true;
}

// One that does not reach the broker is a status that stays; it says nothing while the device is away.
void PresenceKeeper::clear_stale(SteadyTime now) {
  const auto few = pace_.left(now);
  std::unique_lock lock(mutex_);
  const auto stale = book_.take_stale(now, few);
  lock.unlock();
  for (const auto& [user, device] : stale) {
    (void)around_.publisher.publish(
        {.topic = wire::device_status_topic(user, device), .payload = "", .retain = true});
    pace_.spend(1, now);
  }
}

void PresenceKeeper::tell_counts(SteadyTime now) {
  for (const auto room : counts_.take_due(now, SIZE_MAX)) around_.room_states.room_changed(room);
}

// What was being written while its device was forgotten has brought it back: it is forgotten again.
bool PresenceKeeper::note_devices() {
  std::unique_lock lock(mutex_);
  writing_ = register_.take(kRowsAtOnce);
  if (writing_.empty()) return true;
  lock.unlock();
  const bool written = devices_.seen(writing_).has_value();
  lock.lock();
  auto seen = std::exchange(writing_, {});
  const auto forgotten = std::exchange(forgotten_meanwhile_, {});
  if (!written) register_.give_back(std::move(seen));
  for (const auto& [user, device] : forgotten) register_.forget(user, device);
  lock.unlock();
  for (const auto& [user, device] : forgotten) (void)devices_.forget(user, device);
  return written;
}

bool PresenceKeeper::note_watching(SteadyTime now) {
  if (now < watched_next_) return true;
  if (!store_.set_watched_at(clock_.wall())) return false;
  watched_next_ = now + options_.watched_every;
  return true;
}

std::optional<SteadyTime> PresenceKeeper::next_due() {
  std::unique_lock lock(mutex_);
  if (phase_ == Phase::loading) return load_at_;
  if (phase_ != Phase::running || turn_ != turn_seen_) return std::nullopt;  // woken when that changes
  if (!register_.empty()) return clock_.steady();
  auto due = book_.next_due();
  lock.unlock();
  auto sooner = [&](std::optional<SteadyTime> other) {
    if (other && (!due || *other < *due)) due = other;
  };
  if (!announcer_.idle()) sooner(pace_.next());
  sooner(auditor_.next_due());
  sooner(counts_.next_due());
  sooner(watched_next_);
  return due;
}

}  // namespace parley::backend
