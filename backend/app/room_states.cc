#include "backend/app/room_states.h"

namespace parley::backend {
namespace {

constexpr std::size_t kCountedMax = 10'000;  // rooms; beyond, all are counted anew
constexpr std::chrono::minutes kCountedFor{1};

}  // namespace

Result<RoomState> StoredRoomStates::state_of(const Room& room) {
  RoomState state{.room = room.name,
                  .kind = std::string(wire::kind_name(room.kind)),
                  .title = room.title,
                  .members = room.members,
                  .last_seq = room.last_seq,
                  .epoch = room.epoch,
                  .first_seq = room.expired + 1};
  if (room.members <= presence_max_) return state;
  const auto counts = count(room.id);
  if (!counts) return std::unexpected(counts.error());
  state.presence = *counts;
  return state;
}

void StoredRoomStates::room_changed(std::uint64_t room_id) {
  std::lock_guard lock(mutex_);
  ++changes_;
  counted_.erase(room_id);
}

// What changed while it was counted is counted again next time.
Result<PresenceCounts> StoredRoomStates::count(std::uint64_t room_id) {
  std::unique_lock lock(mutex_);
  const auto now = clock_.steady();
  if (const auto known = counted_.find(room_id); known != counted_.end() && known->second.until > now)
    return known->second.counts;
  const auto before = changes_;
  lock.unlock();
  const auto counts = presence_.counts(room_id);
  if (!counts) return counts;
  lock.lock();
  if (counted_.size() >= kCountedMax) counted_.clear();
  if (changes_ == before) counted_[room_id] = {*counts, now + kCountedFor};
  return counts;
}

Result<std::optional<RoomState>> StoredRoomStates::room_state(std::uint64_t room_id) {
  const auto room = rooms_.get(room_id);
  if (!room && room.error().code == Errc::not_found) return std::nullopt;
  if (!room) return std::unexpected(room.error());
  auto state = state_of(*room);
  if (!state) return std::unexpected(state.error());
  return *std::move(state);
}

Result<std::vector<RoomState>> StoredRoomStates::room_states(const std::string& after, std::uint32_t limit) {
  const auto rooms =
      rooms_.list({.which = RoomQuery::Which::all, .user = "", .after = after, .limit = limit});
  if (!rooms) return std::unexpected(rooms.error());
  std::vector<RoomState> out;
  for (const auto& entry : *rooms) {
    auto state = state_of(entry.room);
    if (!state) return std::unexpected(state.error());
    out.push_back(*std::move(state));
  }
  return out;
}

}  // namespace parley::backend
