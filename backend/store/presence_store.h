#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace parley::backend {

enum class PresenceStatus : std::uint8_t { offline = 0, away = 1, online = 2 };

// What others are shown of a user.
struct PresenceRow {
  std::string user;
  PresenceStatus status = PresenceStatus::offline;
  WallTime last_seen{};    // when last known to be connected; the epoch itself: never seen
  bool invisible = false;  // by choice: then status is offline

  bool seen() const { return last_seen != WallTime{}; }
  bool operator==(const PresenceRow&) const = default;
};

struct PresenceCounts {
  std::uint32_t online = 0, away = 0;
  bool operator==(const PresenceCounts&) const = default;
};

// The presence that was last decided on for each user, so that a restarted backend knows what the retained
// messages out there may say, and who wants not to be seen. Thread-safe; calls block on the database.
// Errors of all: unavailable (nothing was changed, retry), in_doubt (a write; doing it again is safe), corrupt,
// internal.
class PresenceStore {
 public:
  virtual ~PresenceStore() = default;

  // Sets status and last_seen of these users, each named once; `invisible` of theirs stays.
  virtual Result<> put(std::span<const PresenceRow> rows) = 0;
  virtual Result<> set_invisible(const std::string& user, bool invisible) = 0;

  // All that is known of the user.
  virtual Result<> remove(const std::string& user) = 0;

  // Those of these users who have a row; in any order.
  virtual Result<std::vector<PresenceRow>> get(std::span<const std::string> users) = 0;
  // Those who are not offline, or invisible, in byte order of their names, after `after`.
  virtual Result<std::vector<PresenceRow>> watched(const std::string& after, std::uint32_t limit) = 0;
  // The members of a room in byte order of their names, after `after`; whoever was never seen has no last_seen.
  virtual Result<std::vector<PresenceRow>> of_room(std::uint64_t room_id, const std::string& after,
                                                   std::uint32_t limit) = 0;
  virtual Result<PresenceCounts> counts(std::uint64_t room_id) = 0;
  // Whether two users are members of one room.
  virtual Result<bool> share_a_room(const std::string& one, const std::string& other) = 0;

  // When a backend last said that it was watching connections; the epoch: never.
  virtual Result<WallTime> watched_at() = 0;
  virtual Result<> set_watched_at(WallTime at) = 0;
};

}  // namespace parley::backend
