#pragma once
#include <cstdint>

#include "plugin/directory/name_hash.h"
#include "plugin/directory/room_table.h"
#include "plugin/directory/sharded_table.h"
#include "plugin/directory/user_table.h"
#include "wire/names.h"

namespace parley::plugin {

// A user's role in a room, and whether they are banned from it (then the role is none).
struct Standing {
  wire::Role role = wire::Role::none;
  bool banned = false;
  bool operator==(const Standing&) const = default;
};

// Which user stands how in which room: 8 bytes a pair (user 30 bits, room 30, role and ban 4), 11-21 with the
// table's air. See Directory for threads and cost.
class MembershipTable {
 public:
  explicit MembershipTable(const HashKey& key) : hash_{key}, table_(Home{hash_}) {}

  Standing find(UserRef user, RoomRef room) const {
    const std::uint64_t pair = pack(user, room);
    return unpack(table_.find(hash_(pair), [pair](std::uint64_t s) { return s >> 4 == pair; }));
  }
  void prefetch(UserRef user, RoomRef room) const { table_.prefetch(hash_(pack(user, room))); }

  // Nothing kept when `standing` is neither a role nor a ban. stale(RoomRef) says whether what is kept for a
  // room is of use no longer.
  template <class Stale>
  void set(UserRef user, RoomRef room, Standing standing, Stale stale) {
    const std::uint64_t pair = pack(user, room), slot = pair << 4 | bits(standing);
    const auto match = [pair](std::uint64_t s) { return s >> 4 == pair; };
    if (bits(standing) == 0) {
      table_.erase(hash_(pair), match);
    } else if (!table_.replace(hash_(pair), slot, match)) {
      table_.insert(hash_(pair), slot, [&](std::uint64_t s) { return stale(room_of(s)); });
    }
  }

  template <class Visit>
  void for_each(Visit visit) const {
    table_.for_each([&](std::uint64_t s) { visit(user_of(s), room_of(s), unpack(s)); });
  }
  std::size_t memory_bytes() const { return table_.memory_bytes(); }

 private:
  static constexpr std::uint64_t kRefMask = (1u << 30) - 1;

  struct Hash {
    HashKey key;
    std::uint64_t operator()(std::uint64_t pair) const {  // MurmurHash3's finalizer, keyed
      std::uint64_t h = pair ^ key.k0;
      h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdu;
      h = (h ^ (h >> 33) ^ key.k1) * 0xc4ceb9fe1a85ec53u;
      return h ^ (h >> 33);
    }
  };
  struct Home {
    Hash hash;
    std::uint32_t operator()(std::uint64_t slot) const {
      return static_cast<std::uint32_t>(hash(slot >> 4) >> 32);
    }
  };

  static std::uint64_t pack(UserRef user, RoomRef room) {
    return static_cast<std::uint64_t>(user) << 30 | static_cast<std::uint64_t>(room);
  }
  static UserRef user_of(std::uint64_t slot) { return UserRef{static_cast<std::uint32_t>(slot >> 34)}; }
  static RoomRef room_of(std::uint64_t slot) {
    return RoomRef{static_cast<std::uint32_t>(slot >> 4 & kRefMask)};
  }
  static std::uint64_t bits(Standing s) { return static_cast<std::uint64_t>(s.role) | (s.banned ? 8u : 0u); }
  static Standing unpack(std::uint64_t slot) { return {static_cast<wire::Role>(slot & 7), (slot & 8) != 0}; }

  Hash hash_;
  ShardedTable<Home> table_;
};

}  // namespace parley::plugin
