#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "plugin/directory/chunked.h"
#include "plugin/directory/name_hash.h"
#include "plugin/directory/sharded_table.h"
#include "plugin/directory/small_text.h"
#include "wire/names.h"

namespace parley::plugin {

// A room's number in one Directory, from 0 upwards; never given to another, also after the room was dropped.
enum class RoomRef : std::uint32_t {};
inline constexpr RoomRef kNoRoom{0xffffffff};

struct RoomView {
  RoomRef ref{};
  std::uint64_t id = 0;
  std::string_view name;  // as created
  wire::RoomKind kind = wire::RoomKind::group;
  std::string_view epoch;
  std::uint32_t members = 0;   // those with a role
  std::uint64_t last_seq = 0;  // numbering continues above the larger of this and the journal's
  std::uint32_t slow_s = 0;    // between two messages of a plain member; 0: no slow mode
};

// The rooms of a Directory. See there for threads, cost, views.
class RoomTable {
 public:
  explicit RoomTable(const HashKey& key) : key_(key) {}

  // By the very name. prefetch() and likely() as in UserTable.
  std::optional<RoomView> find(std::string_view name) const { return find(name, hash(name)); }
  std::optional<RoomView> find(std::string_view name, std::uint64_t hash) const;
  std::uint64_t hash(std::string_view name) const { return hash_name(key_, name); }
  void prefetch(std::uint64_t hash) const { by_name_.prefetch(hash); }
  RoomRef likely(std::uint64_t hash) const;

  std::optional<RoomView> find(std::uint64_t id) const;
  // The room that has this name without regard to case.
  std::optional<RoomView> find_any_case(std::string_view name) const;
  RoomView view(RoomRef ref) const;  // not of a dropped room
  std::size_t size() const { return rooms_.size() - dropped_count_; }

  // Makes the room with this id, or changes the one there is. The name must be free or its own.
  void put(std::uint64_t id, std::string_view name, wire::RoomKind kind, std::string_view epoch,
           std::uint64_t last_seq, std::uint32_t slow_s);
  // False when there is none.
  bool drop(std::uint64_t id);
  void add_members(RoomRef ref, int by);

  bool any_dropped() const { return dropped_count_ != 0; }
  bool dropped(RoomRef ref) const;

  void for_each(const std::function<void(const RoomView&)>& visit) const;
  std::size_t memory_bytes() const;

 private:
  struct Room {
    SmallText<22> name;  // tag: kind
    std::uint64_t id = 0;
    std::uint64_t last_seq = 0;
    SmallText<14> epoch;
    std::uint32_t members = 0;
    std::uint32_t slow_s = 0;
  };
  static_assert(sizeof(Room) == 64);

  std::uint64_t id_hash(std::uint64_t id) const;
  std::uint64_t slot_of_id(std::uint64_t id) const;
  std::uint64_t slot_of_name(std::string_view name) const;
  void rename(std::uint32_t i, std::string_view name);
  void forget_name(std::uint32_t i);

  HashKey key_;
  Chunked<Room> rooms_;
  IndexTable by_name_;
  IndexTable by_id_;
  std::vector<std::uint64_t>
      dropped_;  // a bit for each room; compact, because full shards of memberships are swept by it
  std::size_t dropped_count_ = 0;
};

}  // namespace parley::plugin
