#pragma once
#include <cstdint>

#include "base/clock.h"
#include "base/result.h"

namespace parley::backend {

// What stays of a room's messages: the rest expires, from the front. 0: no limit, or none of one's own.
struct Retention {
  std::uint64_t seconds = 0;   // since the broker took it
  std::uint64_t messages = 0;  // the newest so many numbers of the room
  bool operator==(const Retention&) const = default;
};

// The server's own word: what holds in rooms that set nothing, and the most any room may keep.
struct RetentionRules {
  Retention fallback{};
  Retention ceiling{};

  // What holds in a room that has set `own`.
  Retention in_force(const Retention& own) const;
  // Whether a room can lose anything that has set nothing itself.
  bool hold_everywhere() const { return in_force({}) != Retention{}; }
};

// Which messages of a room are due at some moment: those numbered up to `seq`, and those taken before `at_ms`.
struct DueLine {
  std::uint64_t seq = 0;
  std::int64_t at_ms = 0;

  bool due(std::uint64_t message, std::int64_t taken_at_ms) const {
    return message <= seq || taken_at_ms < at_ms;
  }
};
DueLine due_line(const Retention& retention, std::uint64_t last_seq, WallTime now);

// Why a room that is held can't be deleted; members aren't told.
Error held_room();

}  // namespace parley::backend
