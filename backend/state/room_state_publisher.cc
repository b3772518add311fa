#include "backend/state/room_state_publisher.h"

#include <nlohmann/json.hpp>

#include "wire/topics.h"

namespace parley::backend {
namespace {

constexpr std::chrono::milliseconds kAfterFailure{500};

}  // namespace

std::string format_room_state(const RoomState& state) {
  nlohmann::ordered_json json{{"room", state.room},         {"kind", state.kind},
                              {"title", state.title},       {"members", state.members},
                              {"last_seq", state.last_seq}, {"epoch", state.epoch}};
  if (state.first_seq > 1) json["first_seq"] = state.first_seq;
  if (state.presence) {
    json["online"] = state.presence->online;
    json["away"] = state.presence->away;
  }
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

RoomStatePublisher::RoomStatePublisher(RoomStates& rooms, Publisher& publisher, Metrics& metrics,
                                       const Clock& clock, LogSink log, RoomStateOptions options)
    : rooms_(rooms),
      publisher_(publisher),
      clock_(clock),
      log_(std::move(log)),
      published_(metrics.counter("parley_room_states_published_total", "Retained room states published.")),
      failures_(metrics.counter("parley_room_state_failures_total",
                                "Room states that could not be published; tried again.")),
      forgotten_(
          metrics.counter("parley_room_states_forgotten_total",
                          "States of deleted rooms that stay retained: too many could not be cleared.")),
      pending_(metrics.gauge("parley_room_states_pending", "Rooms whose state is to be published.")),
      agenda_(options) {}

void RoomStatePublisher::activate() {
  std::lock_guard lock(mutex_);
  active_ = true;
  agenda_.start(clock_.steady());
  thread_.wake();
}

void RoomStatePublisher::deactivate() {
  std::lock_guard lock(mutex_);
  active_ = false;
  agenda_.clear();
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
  if (agenda_.changed(room_id, clock_.steady())) thread_.wake();
}

void RoomStatePublisher::room_deleted(std::uint64_t room_id, const std::string& name) {
  std::lock_guard lock(mutex_);
  if (!agenda_.deleted(room_id, name)) return forgotten_.add();
  thread_.wake();
}

std::optional<SteadyTime> RoomStatePublisher::step() {
  const auto now = clock_.steady();
  {
    std::lock_guard lock(mutex_);
    if (!active_) return std::nullopt;
  }
  // Deleted ones first: a room of the same name may have been made since.
  const bool all_well = clear_deleted() && publish_due(now) && pass(now);
  if (!all_well) {
    failures_.add();
    return now + kAfterFailure;
  }
  std::lock_guard lock(mutex_);
  return agenda_.next_due();
}

bool RoomStatePublisher::clear_deleted() {
  std::unique_lock lock(mutex_);
  while (const auto name = agenda_.next_deleted()) {
    lock.unlock();
    const bool cleared = publish(*name, "");
    lock.lock();
    if (!cleared) return false;
    agenda_.drop_deleted();
  }
  return true;
}

bool RoomStatePublisher::publish_due(SteadyTime now) {
  std::vector<std::uint64_t> due;
  {
    std::lock_guard lock(mutex_);
    due = agenda_.take_due(now, SIZE_MAX);
    pending_.set(static_cast<double>(agenda_.size()));
  }
  for (std::size_t i = 0; i < due.size(); ++i) {
    if (publish_room(due[i])) continue;
    std::lock_guard lock(mutex_);
    for (; i < due.size(); ++i) agenda_.put_back(due[i]);
    return false;
  }
  return true;
}

// The next few rooms of a pass over all.
bool RoomStatePublisher::pass(SteadyTime now) {
  std::optional<std::string> after;
  {
    std::lock_guard lock(mutex_);
    after = agenda_.pass_from(now);
  }
  if (!after) return true;
  const auto states = rooms_.room_states(*after, agenda_.pass_rooms());
  if (!states) return false;
  for (const auto& state : *states) {
    if (!publish(state.room, format_room_state(state))) return false;
    std::lock_guard lock(mutex_);
    agenda_.looked_at(state.room);
  }
  std::lock_guard lock(mutex_);
  if (states->empty()) agenda_.all_looked_at();
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

}  // namespace parley::backend
