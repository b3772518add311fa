#include "plugin/directory/room_table.h"

#include <cassert>

namespace parley::plugin {
namespace {

std::uint32_t number(RoomRef ref) {
  return static_cast<std::uint32_t>(ref);
}

}  // namespace

std::uint64_t RoomTable::id_hash(std::uint64_t id) const {
  return hash_bytes(key_, {reinterpret_cast<const char*>(&id), sizeof id});
}

std::uint64_t RoomTable::slot_of_id(std::uint64_t id) const {
  const std::uint64_t hash = id_hash(id);
  return by_id_.find(hash,
                     [&](std::uint64_t s) { return same_hash(s, hash) && rooms_[index_entry(s)].id == id; });
}

std::uint64_t RoomTable::slot_of_name(std::string_view name) const {
  const std::uint64_t hash = hash_name(key_, name);
  return by_name_.find(hash, [&](std::uint64_t s) {
    return same_hash(s, hash) && equal_folded(rooms_[index_entry(s)].name.view(), name);
  });
}

std::optional<RoomView> RoomTable::find(std::string_view name, std::uint64_t hash) const {
  const std::uint64_t slot = by_name_.find(hash, [&](std::uint64_t s) {
    return same_hash(s, hash) && rooms_[index_entry(s)].name.view() == name;
  });
  if (slot == 0) return std::nullopt;
  return view(RoomRef{index_entry(slot)});
}

RoomRef RoomTable::likely(std::uint64_t hash) const {
  const std::uint64_t slot = by_name_.find(hash, [hash](std::uint64_t s) { return same_hash(s, hash); });
  if (slot == 0) return kNoRoom;
  __builtin_prefetch(rooms_.address(index_entry(slot)));
  return RoomRef{index_entry(slot)};
}

std::optional<RoomView> RoomTable::find_any_case(std::string_view name) const {
  const std::uint64_t slot = slot_of_name(name);
  if (slot == 0) return std::nullopt;
  return view(RoomRef{index_entry(slot)});
}

std::optional<RoomView> RoomTable::find(std::uint64_t id) const {
  const std::uint64_t slot = slot_of_id(id);
  if (slot == 0) return std::nullopt;
  return view(RoomRef{index_entry(slot)});
}

RoomView RoomTable::view(RoomRef ref) const {
  const Room& room = rooms_[number(ref)];
  return {.ref = ref,
          .id = room.id,
          .name = room.name.view(),
          .kind = static_cast<wire::RoomKind>(room.name.tag()),
          .epoch = room.epoch.view(),
          .members = room.members,
          .last_seq = room.last_seq,
          .slow_s = room.slow_s};
}

void RoomTable::put(std::uint64_t id, std::string_view name, wire::RoomKind kind, std::string_view epoch,
                    std::uint64_t last_seq, std::uint32_t slow_s) {
  const std::uint64_t slot = slot_of_id(id);
  const std::uint32_t i = slot == 0 ? rooms_.add() : index_entry(slot);
  Room& room = rooms_[i];
  if (slot == 0) {
    room.id = id;
    by_id_.insert(id_hash(id), index_slot(id_hash(id), i));
    dropped_.resize(i / 64 + 1);
  }
  if (room.name.view() != name) rename(i, name);
  room.name.set_tag(static_cast<std::uint8_t>(kind));
  room.epoch.set(epoch);
  room.last_seq = last_seq;
  room.slow_s = slow_s;
}

void RoomTable::rename(std::uint32_t i, std::string_view name) {
  forget_name(i);
  rooms_[i].name.set(name);
  const std::uint64_t hash = hash_name(key_, name);
  by_name_.insert(hash, index_slot(hash, i));
}

void RoomTable::forget_name(std::uint32_t i) {
  const std::string_view name = rooms_[i].name.view();
  if (name.empty()) return;
  by_name_.erase(hash_name(key_, name), [&](std::uint64_t s) { return index_entry(s) == i; });
}

bool RoomTable::drop(std::uint64_t id) {
  const std::uint64_t slot = slot_of_id(id);
  if (slot == 0) return false;
  const std::uint32_t i = index_entry(slot);
  forget_name(i);
  by_id_.erase(id_hash(id), [&](std::uint64_t s) { return index_entry(s) == i; });
  rooms_[i].name.clear();
  rooms_[i].epoch.clear();
  dropped_[i / 64] |= std::uint64_t{1} << (i % 64);
  ++dropped_count_;
  return true;
}

void RoomTable::add_members(RoomRef ref, int by) {
  Room& room = rooms_[number(ref)];
  assert(by >= 0 || room.members >= static_cast<std::uint32_t>(-by));
  room.members += static_cast<std::uint32_t>(by);
}

bool RoomTable::dropped(RoomRef ref) const {
  return (dropped_[number(ref) / 64] >> (number(ref) % 64) & 1) != 0;
}

void RoomTable::for_each(const std::function<void(const RoomView&)>& visit) const {
  for (std::uint32_t i = 0; i < rooms_.size(); ++i) {
    if (!dropped(RoomRef{i})) visit(view(RoomRef{i}));
  }
}

std::size_t RoomTable::memory_bytes() const {
  return rooms_.memory_bytes() + by_name_.memory_bytes() + by_id_.memory_bytes() + dropped_.capacity() * 8;
}

}  // namespace parley::plugin
