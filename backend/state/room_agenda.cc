#include "backend/state/room_agenda.h"

#include <algorithm>
#include <utility>

namespace parley::backend {
namespace {

constexpr std::uint32_t kTicksPerSecond = 20;
constexpr std::chrono::milliseconds kTick{1000 / kTicksPerSecond};

}  // namespace

void RoomAgenda::start(SteadyTime now) {
  rooms_.clear();
  order_.clear();
  pass_after_ = "";
  pass_at_ = now;
}

void RoomAgenda::clear() {
  rooms_.clear();
  order_.clear();
  pass_after_.reset();
}

bool RoomAgenda::changed(std::uint64_t room_id, SteadyTime now) {
  if (const auto known = rooms_.find(room_id); known != rooms_.end())
    return !std::exchange(known->second.dirty, true);
  if (rooms_.size() < options_.rooms_max)
    put(room_id, {true, now});
  else if (!pass_after_)
    pass_after_ = "";
  else
    pass_again_ = true;  // the pass under way may have gone by this room
  return true;
}

bool RoomAgenda::deleted(std::uint64_t room_id, const std::string& name) {
  drop(room_id);
  if (deleted_.size() >= options_.deleted_max) return false;
  deleted_.push_back(name);
  return true;
}

std::optional<std::string> RoomAgenda::next_deleted() const {
  return deleted_.empty() ? std::nullopt : std::optional(deleted_.front());
}

// Forgets those nothing has happened to since.
std::vector<std::uint64_t> RoomAgenda::take_due(SteadyTime now, std::size_t most) {
  std::vector<std::uint64_t> due;
  while (!order_.empty() && order_.begin()->first <= now && due.size() < most) {
    const auto room_id = order_.begin()->second;
    if (rooms_[room_id].dirty) {
      due.push_back(room_id);
      put(room_id, {false, now + options_.debounce});
    } else {
      drop(room_id);
    }
  }
  return due;
}

void RoomAgenda::put_back(std::uint64_t room_id, SteadyTime rests) {
  if (const auto at = rooms_.find(room_id); at != rooms_.end())
    put(room_id, {true, std::max(at->second.not_before, rests)});
}

void RoomAgenda::put(std::uint64_t room_id, const Room& room) {
  drop(room_id);
  rooms_[room_id] = room;
  order_.emplace(room.not_before, room_id);
}

void RoomAgenda::drop(std::uint64_t room_id) {
  const auto at = rooms_.find(room_id);
  if (at == rooms_.end()) return;
  order_.erase({at->second.not_before, room_id});
  rooms_.erase(at);
}

std::optional<std::string> RoomAgenda::pass_from(SteadyTime now) {
  if (!pass_after_ || now < pass_at_) return std::nullopt;
  pass_at_ = now + kTick;
  return pass_after_;
}

std::uint32_t RoomAgenda::pass_rooms() const {
  return std::max(1u, options_.rooms_per_s / kTicksPerSecond);
}

void RoomAgenda::looked_at(const std::string& name) {
  if (pass_after_) pass_after_ = name;
}

void RoomAgenda::all_looked_at() {
  if (!pass_after_) return;
  if (std::exchange(pass_again_, false))
    pass_after_ = "";
  else
    pass_after_.reset();
}

std::optional<SteadyTime> RoomAgenda::next_due() const {
  const auto pass = pass_after_ ? std::optional(pass_at_) : std::nullopt;
  if (order_.empty()) return pass;
  const auto room = order_.begin()->first;
  return pass ? std::min(*pass, room) : room;
}

}  // namespace parley::backend
