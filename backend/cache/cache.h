#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/dependency.h"
#include "base/result.h"
#include "wire/record.h"

namespace parley::backend {

// Which cached messages are meant. `epoch` is whatever must be the same for what lies there to be right. `lease` is a random number the user of the cache draws whenever it can no
// longer answer for what it put there: what lies under another lease is never found again.
struct RoomKey {
  std::uint64_t lease = 0;
  std::uint64_t room_id = 0;
  std::string epoch;
};

// Numbers of a room, both ends included, first ≤ last.
struct SeqRange {
  std::uint64_t first = 0, last = 0;
};

// How much of each room is kept: its newest messages, within both limits.
struct TailLimits {
  std::uint32_t messages = 128;
  std::size_t bytes = 128 * 1024;  // of envelopes
};

// So many a second in the long run, and `burst` at once.
struct Rate {
  std::uint32_t per_s = 0;
  std::uint32_t burst = 1;
};

struct NamedValue {
  std::string name, value;
};

// Copies of rooms' newest messages, small values, and counters, for everyone who shares the cache. It may forget anything at
// any time, keep what is out of date, and lose what it is given: callers stay right by asking for numbers they
// know from the database, and what it gives for a number is what was put there under it (or it gives nothing).
// Thread-safe. Calls may block for the cache's own time limits, so none belongs on a callback of the broker
// link. Error: unavailable (the cache is away: nothing is known of what was done; do without).
class Cache {
 public:
  virtual ~Cache() = default;

  // The envelopes of range.last and as many before it as it has without a hole, down to range.first; oldest
  // first. `newest` is the room's last seq: a hint of where to look. Empty: it has none to give.
  virtual Result<std::vector<std::string>> find(const RoomKey& key, std::uint64_t newest, SeqRange range) = 0;

  // Puts the messages first, first + 1, … in place of what it had of the room.
  virtual Result<> fill(const RoomKey& key, std::uint64_t first, std::span<const std::string> envelopes) = 0;

  // Newly stored messages of any rooms, in order: added where the room's messages before them are kept.
  virtual Result<> extend(std::uint64_t lease, std::span<const wire::Record> records) = 0;

  // Takes away what it has of these rooms. What a slow reader puts there afterwards it may keep.
  virtual Result<> drop(std::uint64_t lease, std::span<const std::uint64_t> rooms) = 0;
  // Small values, each given for `expiry` from when it was put: what is found under a name was put there once,
  // and may be older than what was put last. One entry for each name, in order.
  virtual Result<> put_values(std::span<const NamedValue> values, std::chrono::milliseconds expiry) = 0;
  virtual Result<std::vector<std::optional<std::string>>> values(std::span<const std::string> names) = 0;

  // Counts one against `counter` unless that is above `rate`: then false. Without the shared cache this
  // process counts for itself.
  virtual bool take(const std::string& counter, const Rate& rate) = 0;

  // How the cache stands; one that can't be away is closed for ever. Readable as long as it lives.
  virtual Dependency dependency() = 0;
};

}  // namespace parley::backend
