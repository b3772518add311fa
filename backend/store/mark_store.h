#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "backend/store/marks.h"
#include "base/result.h"

namespace parley::backend {

// The word of a user's device, or of the server, on how far they have come.
struct MarkRaise {
  std::uint64_t room_id = 0;
  std::string room{};  // the room's name, asked for when room_id is 0
  std::string user;
  Marks to;             // what lies below what is known already changes nothing; `read` raises `received`
  bool checked = true;  // somebody has seen to it that the room has a message of this number
};

struct MarkOutcome {
  enum class What {
    raised,
    unchanged,       // it was so already
    above_last_seq,  // only unchecked ones: the room has not stored a message of this number (yet)
    no_member,       // nobody of this name is in such a room
  };
  What what = What::no_member;
  Marks now{};  // after it; of members
  bool operator==(const MarkOutcome&) const = default;
};

// What becomes of `now` in a room whose last stored seq is `last_seq`. Pure; every MarkStore's rule.
MarkOutcome raised(const Marks& now, const MarkRaise& raise, std::uint64_t last_seq);

// The key under which a message that mentions everyone keeps its mention; no user has this name.
inline constexpr const char* kEveryone = "@room";

// Members' watermarks (Marks): they begin with a membership, at the room's last stored seq of that moment, end with
// it, and only ever rise, but for a room whose epoch is renewed: then none is above its last seq
// (DirectoryLog::renew_epochs). A mark above the last stored seq is kept as it is told, the store being behind the
// broker. Reading them: RoomStore, with members and lists of rooms. Thread-safe; calls block on the database.
// Errors: unavailable (nothing or all was raised: raising again does no harm), corrupt, internal.
class MarkStore {
 public:
  virtual ~MarkStore() = default;

  // In one transaction; one outcome for each, in order.
  virtual Result<std::vector<MarkOutcome>> raise(std::span<const MarkRaise> raises) = 0;

  // The members of the room whom `keys` mean: names folded as fold_case does, each of them once, in no order.
  // kEveryone means all of them where they are at most `everyone_max`, else nobody.
  virtual Result<std::vector<std::string>> mentioned(std::uint64_t room_id,
                                                     const std::vector<std::string>& keys,
                                                     std::uint32_t everyone_max) = 0;
};

}  // namespace parley::backend
