#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "backend/store/audit_store.h"
#include "backend/store/retention.h"
#include "base/result.h"

namespace parley::backend {

// Which rooms, by number, those after `after`: that are not held and have messages. Without `all` only those that set
// a retention of their own.
struct RetainedQuery {
  std::uint64_t after = 0;
  std::uint32_t limit = 100;
  bool all = false;
};
struct RetainedRoom {
  std::uint64_t room_id = 0;
  Retention own{};
  std::uint64_t last_seq = 0;
  std::uint64_t oldest = 0;  // the first message that is still there, and when the broker took it
  std::int64_t oldest_at_ms = 0;
};

struct ExpiryOrder {
  std::uint64_t room_id = 0;
  RetentionRules rules{};
  WallTime now{};
  std::uint32_t rows_max = 500;
};
struct Expiry {
  std::uint64_t expired = 0;  // Room::expired after it
  std::uint32_t rows = 0;     // that went
  bool more = false;          // more is due
};

// What was deleted in a room while it was held, as it was said, by number.
struct HeldPage {
  std::vector<std::string> envelopes{};
  bool more = false;
};

// Messages that expire, and rooms in which nothing does: held ones (legal hold). A room loses messages from its front
// only, with all that was said of them: what is left is dense. Thread-safe; calls block on the database. Errors:
// unavailable (nothing was changed), in_doubt (hold alone), corrupt, internal.
class RetentionStore {
 public:
  virtual ~RetentionStore() = default;

  virtual Result<std::vector<RetainedRoom>> rooms(const RetainedQuery& query) = 0;

  // Removes the oldest messages of the room, as many of them as are due without one between that is not, at most
  // `rows_max`, in one transaction. What holds is read in it: nothing goes of a room that is held or gone.
  virtual Result<Expiry> expire(const ExpiryOrder& order) = 0;

  // From the answer on nothing in the room expires, and what is deleted there is kept aside; or what was kept aside
  // is gone. Again what it is already: no harm. not_found: there is no such room.
  virtual Result<> hold(std::uint64_t room_id, bool held, const std::optional<Act>& act) = 0;

  // Those with a number above `after`, at most `limit`.
  virtual Result<HeldPage> kept_aside(std::uint64_t room_id, std::uint64_t after, std::uint32_t limit) = 0;
};

}  // namespace parley::backend
