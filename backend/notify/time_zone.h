#pragma once
#include <optional>
#include <string>

#include "backend/store/push_store.h"
#include "base/clock.h"

namespace parley::backend {

// Quiet hours on people's own clocks, by the system's time zone database (Debian's tzdata, read when it is first needed: an
// update counts from the next start on). Pure but for that; thread-safe. A zone is read from disk the first time.

// Is it one of the IANA database (Europe/Berlin), or UTC? Also when the system has no database: then UTC alone is known.
bool known_zone(const std::string& name);

// nullopt when it is not quiet at `now`, otherwise when it ends, which is later than `now`. "" and unknown zones are UTC.
// Where clocks are changed: an hour that comes twice begins quiet at its first and ends at its second time; one that is left
// out does so when the clock jumps.
std::optional<WallTime> quiet_until(const QuietHours& hours, WallTime now);

}  // namespace parley::backend
