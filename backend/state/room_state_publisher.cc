#include "backend/state/room_state_publisher.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "wire/topics.h"

namespace parley::backend {
namespace {

constexpr std::uint32_t kSweepTicksPerSecond = 20;
constexpr std::chrono::milliseconds kSweepTick{1000 / kSweepTicksPerSecond};
constexpr std::chrono::milliseconds kAfterFailure{500};

}  // namespace

std::string format_room_state(const RoomState& state) {
  nlohmann::ordered_json json{{"room", state.room},         {"kind", state.kind},
                              {"title", state.title},       {"members", state.members},
                              {"last_seq", state.last_seq}, {"epoch", state.epoch}};
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

RoomStatePublisher::RoomStatePublisher(RoomStates& rooms, Publisher& publisher, Metrics& metrics,
                                       const Clock& clock, LogSink log, RoomStateOptions options)
    : rooms_(rooms),
      publisher_(publisher),
      clock_(clock),
      log_(std::move(log)),
      options_(options),
      published_(metrics.counter("parley_room_states_published_total", "Retained room states published.")),
      failures_(metrics.counter("parley_room_state_failures_total",
                                "Room states that could not be published; tried again.")),
      forgotten_(
          metrics.counter("parley_room_states_forgotten_total",
                          "States of deleted rooms that stay retained: too many could not be cleared.")),
      pending_(metrics.gauge("parley_room_states_pending", "Rooms whose state is to be published.")) {}

RoomStatePublisher::~RoomStatePublisher() {
  stop();
}

void RoomStatePublisher::start() {
  thread_ = std::thread([this] { run(); });
}

void RoomStatePublisher::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void RoomStatePublisher::run() {
  for (;;) {
    const auto due = step();
    std::unique_lock lock(mutex_);
    const auto woken = [&] { return stopping_ || woken_; };
    if (due)
      changed_.wait_until(lock, *due, woken);
    else
      changed_.wait(lock, woken);
    if (stopping_) return;
  }
}

void RoomStatePublisher::wake() {
  woken_ = true;
  changed_.notify_all();
}

void RoomStatePublisher::activate() {
  std::lock_guard lock(mutex_);
  active_ = true;
  changed_rooms_.clear();
  sweep_after_ = "";
  sweep_at_ = clock_.steady();
  wake();
}

void RoomStatePublisher::deactivate() {
  std::lock_guard lock(mutex_);
  active_ = false;
  changed_rooms_.clear();
  sweep_after_.reset();
}

void RoomStatePublisher::room_changed(std::uint64_t room_id) {
  mark(room_id);
}
void RoomStatePublisher::messages_stored(std::uint64_t room_id, std::uint64_t) {
  mark(room_id);
}

void RoomStatePublisher::mark(std::uint64_t room_id) {
  std::lock_guard lock(mutex_);
  if (!active_) return;  // all are published after the next activate()
  if (const auto known = changed_rooms_.find(room_id); known != changed_rooms_.end()) {
    if (std::exchange(known->second.dirty, true)) return;
  } else if (changed_rooms_.size() < options_.rooms_max) {
    changed_rooms_[room_id] = {true, clock_.steady()};
  } else if (!sweep_after_) {
    sweep_after_ = "";
  } else {
    sweep_again_ = true;  // the pass under way may have gone by this room
  }
  wake();
}

void RoomStatePublisher::room_deleted(std::uint64_t room_id, const std::string& name) {
  std::lock_guard lock(mutex_);
  changed_rooms_.erase(room_id);
  if (deleted_.size() >= options_.deleted_max) return forgotten_.add();
  deleted_.push_back(name);
  wake();
}

std::optional<SteadyTime> RoomStatePublisher::step() {
  const auto now = clock_.steady();
  {
    std::lock_guard lock(mutex_);
    woken_ = false;
    if (!active_) return std::nullopt;
  }
  // Deleted ones first: a room of the same name may have been made since.
  const bool all_well = clear_deleted() && publish_due(now) && sweep(now);
  if (!all_well) {
    failures_.add();
    return now + kAfterFailure;
  }
  return next_due();
}

bool RoomStatePublisher::clear_deleted() {
  std::unique_lock lock(mutex_);
  while (!deleted_.empty()) {
    const auto name = deleted_.front();
    lock.unlock();
    const bool cleared = publish(name, "");
    lock.lock();
    if (!cleared) return false;
    deleted_.pop_front();
  }
  return true;
}

bool RoomStatePublisher::publish_due(SteadyTime now) {
  const auto due = take_due(now);
  for (std::size_t i = 0; i < due.size(); ++i) {
    if (publish_room(due[i])) continue;
    std::lock_guard lock(mutex_);
    for (; i < due.size(); ++i)
      if (const auto at = changed_rooms_.find(due[i]); at != changed_rooms_.end()) at->second.dirty = true;
    return false;
  }
  return true;
}

// Rooms that may be published now; each may be again after `debounce`. Forgets those nothing has happened to since.
std::vector<std::uint64_t> RoomStatePublisher::take_due(SteadyTime now) {
  std::vector<std::uint64_t> due;
  std::lock_guard lock(mutex_);
  for (auto at = changed_rooms_.begin(); at != changed_rooms_.end();) {
    auto& [room_id, room] = *at;
    if (room.not_before > now) {
      ++at;
    } else if (!room.dirty) {
      at = changed_rooms_.erase(at);
    } else {
      due.push_back(room_id);
      room = {false, now + options_.debounce};
      ++at;
    }
  }
  pending_.set(static_cast<double>(changed_rooms_.size()));
  return due;
}

// The next few rooms of a pass over all.
bool RoomStatePublisher::sweep(SteadyTime now) {
  std::string after;
  {
    std::lock_guard lock(mutex_);
    if (!sweep_after_ || now < sweep_at_) return true;
    after = *sweep_after_;
    sweep_at_ = now + kSweepTick;
  }
  const auto few = std::max(1u, options_.republish_per_s / kSweepTicksPerSecond);
  const auto states = rooms_.room_states(after, few);
  if (!states) return false;
  for (const auto& state : *states) {
    if (!publish(state.room, format_room_state(state))) return false;
    std::lock_guard lock(mutex_);
    if (sweep_after_) sweep_after_ = state.room;
  }
  std::lock_guard lock(mutex_);
  if (!states->empty() || !sweep_after_) return true;
  if (std::exchange(sweep_again_, false))
    sweep_after_ = "";
  else
    sweep_after_.reset();
  return true;
}

bool RoomStatePublisher::publish_room(std::uint64_t room_id) {
  const auto state = rooms_.room_state(room_id);
  if (!state) return false;
  return !*state || publish((*state)->room, format_room_state(**state));
}

bool RoomStatePublisher::publish(const std::string& room, std::string payload) {
  const bool taken = publisher_
                         .publish({.topic = wire::room_topic(wire::TopicKind::room_state, room),
                                   .payload = std::move(payload),
                                   .qos = 1,
                                   .retain = true})
                         .has_value();
  if (taken) published_.add();
  return taken;
}

std::optional<SteadyTime> RoomStatePublisher::next_due() {
  std::lock_guard lock(mutex_);
  std::optional<SteadyTime> due = sweep_after_ ? std::optional(sweep_at_) : std::nullopt;
  for (const auto& [room_id, room] : changed_rooms_)
    if (!due || room.not_before < *due) due = room.not_before;
  return due;
}

}  // namespace parley::backend
