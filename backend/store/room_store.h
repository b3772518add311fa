#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "backend/store/audit_store.h"
#include "backend/store/directory_change.h"
#include "backend/store/marks.h"
#include "backend/store/retention.h"
#include "base/clock.h"
#include "base/result.h"
#include "wire/names.h"

namespace parley::backend {

struct Room {
  std::uint64_t id = 0;  // 1…2^53-1, random, never used again
  std::string name;
  wire::RoomKind kind = wire::RoomKind::group;
  std::string title;
  bool is_public = false;  // anybody may see it and join
  std::string epoch;
  std::uint64_t last_seq = 0;      // the last stored seq
  std::uint64_t counted = 0;       // how many of its messages count as unread for those who have read none
  std::uint64_t rewritten = 0;     // the seq with which a message lost its content last; 0: none did
  std::uint64_t annotated = 0;     // above it nothing has an edit, a reaction or a thread
  std::uint64_t last_message = 0;  // the last that is none of edit, delete, reaction, member, room; 0: none
  std::uint32_t members = 0;
  bool quarantined = false;  // a message conflicted: new ones are kept aside
  std::uint32_t slow_s =
      0;               // a plain member may send one message in so many seconds; 0: as many as they like
  Retention retain{};  // its own; RetentionRules tell what holds
  std::uint64_t expired = 0;  // messages numbered up to it have expired and are gone
  bool held = false;          // legal hold: nothing expires
};

// Of a mute that does not end by itself.
inline constexpr WallTime kForever{std::chrono::milliseconds{253'402'300'799'000}};  // the end of 9999

// Somebody's standing in a room. role none and not banned: nobody to it.
struct Member {
  std::string user;
  wire::Role role = wire::Role::none;
  bool banned = false;  // then role is none
  WallTime since{};     // of joining, or of the ban
  Marks marks{};        // of members; raised by MarkStore
  // Until when they may not send; the past, or 0: they may. Stays through roles, leaving and coming back.
  WallTime muted_until{};
};

struct NewMember {
  std::string user;
  wire::Role role = wire::Role::member;
};
struct NewRoom {
  std::string name;  // legal
  wire::RoomKind kind = wire::RoomKind::group;
  std::string title;
  bool is_public = false;
  Retention retain{};
  std::vector<NewMember> members{};  // the owner among them; each user once
  std::vector<RoomEntry> entries{};
  std::optional<Act> act{};
};
struct RoomUpdate {
  std::optional<std::string> title{};
  std::optional<bool> is_public{};
  std::optional<std::uint32_t> slow_s{};
  std::optional<Retention> retain{};
  std::vector<RoomEntry> entries{};
  std::optional<Act> act{};
};

// What lets somebody in whom nobody adds (AdmissionStore): used up in the change's own transaction.
struct Ticket {
  enum class Kind { none, invitation, link };
  Kind kind = Kind::none;
  std::string link{};  // its id
};
inline constexpr std::uint32_t kMutesOfRoomMax = 1000;
// Puts `user` into exactly this standing: joins, removals, roles, bans are all of this form.
struct MemberChange {
  std::uint64_t room_id = 0;
  std::string user;
  wire::Role role = wire::Role::none;
  bool banned = false;
  std::optional<WallTime> muted_until{};  // WallTime{} lifts a mute; none: stays as it is
  Ticket ticket{};
  std::vector<RoomEntry> entries{};
  std::optional<Act> act{};
};

// Which rooms, in byte order of their names, those after `after`.
struct RoomQuery {
  enum class Which { of_user, all_public, all };
  Which which = Which::of_user;
  std::string user;  // whose rooms; also whose role is told with each room
  std::string after;
  std::uint32_t limit = 100;
  std::string text{};  // of all_public: only those with this in their name or title, without regard to case
};
struct RoomOfUser {
  Room room;
  wire::Role role = wire::Role::none;  // of RoomQuery::user
  Marks marks{};                       // theirs, when they are a member
  std::string peer{};                  // of a direct chat of RoomQuery::user: the other one, else ""
};

// Which members of a room, in byte order of their names.
struct MemberQuery {
  std::uint64_t room_id = 0;
  bool banned = false;  // the banned instead of the members
  std::string after;
  std::uint32_t limit = 100;
};

// Rooms, members, bans: the truth of them. Each change is one transaction, which also writes its step of the
// Directory log. Thread-safe; calls block on the database. Names are compared exactly as created, but for
// uniqueness. Errors of all: unavailable (nothing was changed, retry), corrupt, internal; not_found where the
// room or user named is not there. After any error everything is as it was.
class RoomStore {
 public:
  virtual ~RoomStore() = default;

  virtual Result<Room> find(const std::string& name) = 0;
  virtual Result<Room> get(std::uint64_t room_id) = 0;
  virtual Result<std::vector<RoomOfUser>> list(const RoomQuery& query) = 0;
  virtual Result<Member> member(std::uint64_t room_id,
                                const std::string& user) = 0;  // role none for strangers
  virtual Result<std::vector<Member>> members(const MemberQuery& query) = 0;

  // already_exists: a living room has this name, perhaps in another case. not_found: one of the members has
  // no account.
  virtual Result<Committed<Room>> create(const NewRoom& room) = 0;
  virtual Result<Committed<Room>> update(std::uint64_t room_id, const RoomUpdate& update) = 0;
  // Its messages are gone for every reader at once, and removed from the disk little by little. permission_denied: it
  // is held.
  virtual Result<Committed<Room>> erase(std::uint64_t room_id, const std::optional<Act>& act = {}) = 0;
  // permission_denied: members would be left without the owner they had. not_found also: the ticket is good no
  // longer. invalid_argument: as many are muted as may be. version 0: it was so already.
  virtual Result<Committed<Member>> change_member(const MemberChange& change) = 0;

  virtual Result<std::uint64_t> count() = 0;
};

}  // namespace parley::backend
