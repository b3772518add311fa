#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace parley::backend {

// One administrative act. Goes with a change into its transaction (the `act` of its draft), so that the one is
// never there without the other; a change that finds nothing to change records nothing.
struct Act {
  std::string actor;                // who
  std::string device{}, address{};  // from where; "" when not known
  std::string action;               // the request's method
  std::string room{}, user{};       // in which room, on whom; "" when neither
  std::string outcome = "ok";       // "asked": handed on to the broker. Else the code of its refusal
  std::string details = "{}";       // the other parameters, without secrets: a JSON object
};
inline constexpr std::size_t kActDetailsMax = 1024;  // bytes

struct RecordedAct {
  std::uint64_t id = 0;  // grows with time
  WallTime at{};
  Act act;
};

// Which acts: those that fit everything given, newest first.
struct AuditQuery {
  std::optional<std::string> actor{}, room{}, user{};
  std::optional<WallTime> since{};
  std::optional<std::uint64_t> before{};  // id
  std::uint32_t limit = 100;
};

// The log of administrative acts. Thread-safe; calls block on the database. Errors: unavailable (nothing was
// changed, retry), in_doubt, internal.
class AuditStore {
 public:
  virtual ~AuditStore() = default;
  // An act without a change of its own: refused, or carried out by the broker.
  virtual Result<> record(const Act& act) = 0;
  virtual Result<std::vector<RecordedAct>> list(const AuditQuery& query) = 0;
  // Removes at most `limit` of those before `time`, the oldest; gives how many.
  virtual Result<std::uint64_t> forget_before(WallTime time, std::uint32_t limit) = 0;
};

}  // namespace parley::backend
