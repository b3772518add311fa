#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "backend/store/room_store.h"
#include "base/clock.h"
#include "base/result.h"

namespace parley::backend {

struct Invitation {
  std::uint64_t room_id = 0;
  std::string room, title;  // of the room, as they are now
  wire::RoomKind kind = wire::RoomKind::group;
  std::string user;
  wire::Role role = wire::Role::member;  // what accepting makes of them
  std::string by;
  WallTime at{}, expires_at{};
};
struct NewInvitation {
  std::uint64_t room_id = 0;
  std::string user;
  wire::Role role = wire::Role::member;
  std::string by;
  WallTime expires_at{};
  std::optional<Act> act{};
};

struct JoinLink {
  std::string id;  // ULID text
  std::uint64_t room_id = 0;
  std::string by;
  WallTime at{};
  std::optional<WallTime> expires_at{};
  std::optional<std::uint32_t> uses_left{};  // none: no limit
  std::uint32_t uses = 0;                    // how many joined by it
};
struct NewJoinLink {
  std::string id;
  std::uint64_t room_id = 0;
  std::string by;
  std::string sha256;  // raw 32 bytes, of the code's text; the code itself is never stored
  std::optional<WallTime> expires_at{};
  std::optional<std::uint32_t> uses{};  // ≥ 1
  std::optional<Act> act{};
};

inline constexpr std::uint32_t kInvitationsOfUserMax = 200;
inline constexpr std::uint32_t kInvitationsToRoomMax = 1000;
inline constexpr std::uint32_t kLinksOfRoomMax = 50;

// Ways into a room for those whom nobody adds: invitations, and links that let in whoever holds one. Each is
// used up by RoomStore::change_member, in the transaction that makes the member. What has expired, is used
// up, or is of a deleted room counts as not there, and is removed when something is added beside it. Joining
// and being banned take a user's invitation to the room away.
//
// Thread-safe; calls block on the database. Errors of all: unavailable (nothing was changed, retry), in_doubt
// (look before you repeat), internal; not_found where what is named is not there.
class AdmissionStore {
 public:
  virtual ~AdmissionStore() = default;

  // Takes the place of an earlier one of the same user to the same room. invalid_argument: the user, or the
  // room, has as many as may be.
  virtual Result<> invite(const NewInvitation& invitation) = 0;
  virtual Result<Invitation> invitation(std::uint64_t room_id, const std::string& user) = 0;
  // In byte order of rooms' names, those after `after`.
  virtual Result<std::vector<Invitation>> invitations_of(const std::string& user, const std::string& after,
                                                         std::uint32_t limit) = 0;
  // In byte order of users' names, those after `after`.
  virtual Result<std::vector<Invitation>> invitations_to(std::uint64_t room_id, const std::string& after,
                                                         std::uint32_t limit) = 0;
  virtual Result<> withdraw(std::uint64_t room_id, const std::string& user,
                            const std::optional<Act>& act = {}) = 0;

  // invalid_argument: the room has as many as may be.
  virtual Result<JoinLink> create_link(const NewJoinLink& link) = 0;
  virtual Result<JoinLink> find_link(const std::string& sha256) = 0;
  virtual Result<std::vector<JoinLink>> links(std::uint64_t room_id) = 0;  // oldest first
  virtual Result<> revoke_link(std::uint64_t room_id, const std::string& id,
                               const std::optional<Act>& act = {}) = 0;
};

}  // namespace parley::backend
