#include "backend/notify/time_zone.h"

#include <date/tz.h>

#include <algorithm>
#include <exception>

namespace parley::backend {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using LocalTime = date::local_time<milliseconds>;

// nullptr: no such zone, or no database.
const date::time_zone* find_zone(const std::string& name) {
  try {
    return date::locate_zone(name);
  } catch (const std::exception&) {
    return nullptr;
  }
}

// UTC: without a zone.
const date::time_zone* zone_of(const QuietHours& hours) {
  return hours.zone.empty() || hours.zone == "UTC" ? nullptr : find_zone(hours.zone);
}

LocalTime to_local(const date::time_zone* zone, WallTime time) {
  return zone ? zone->to_local(time) : LocalTime{time.time_since_epoch()};
}

// A moment that the clock does not show is when it jumps.
WallTime to_sys(const date::time_zone* zone, LocalTime local, date::choose which) {
  return zone ? WallTime{zone->to_sys(local, which)} : WallTime{local.time_since_epoch()};
}

std::optional<WallTime> quiet_until(const QuietHours& hours, const date::time_zone* zone, WallTime now) {
  const minutes from{hours.from}, to{hours.to};
  const auto today = std::chrono::floor<date::days>(to_local(zone, now));
  std::optional<WallTime> end;
  // Tomorrow's may have begun where clocks go back over midnight.
  for (const auto day : {today - date::days{1}, today, today + date::days{1}}) {
    const auto begins = to_sys(zone, day + from, date::choose::earliest);
    const auto ends =
        to_sys(zone, day + to + (to < from ? date::days{1} : date::days{0}), date::choose::latest);
    if (begins <= now && now < ends) end = std::max(end.value_or(ends), ends);
  }
  return end;
}

}  // namespace

bool known_zone(const std::string& name) {
  // The database's folder also holds the machine's own zone, under names that are nobody's.
  return name == "UTC" || (name != "localtime" && name != "posixrules" && find_zone(name) != nullptr);
}

std::optional<WallTime> quiet_until(const QuietHours& hours, WallTime now) {
  if (hours.from == hours.to) return std::nullopt;
  try {
    return quiet_until(hours, zone_of(hours), now);
  } catch (const std::exception&) {  // the zone's file can't be read
    return quiet_until(hours, nullptr, now);
  }
}

}  // namespace parley::backend
