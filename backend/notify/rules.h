#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "backend/store/push_store.h"
#include "base/clock.h"

namespace parley::backend {

// How present somebody is, over all their devices.
enum class Attention {
  online,   // a connected device that does not say it is away
  away,     // connected devices, and all say so
  offline,  // none is connected
};

// All that decides whether a message is worth a notification to one member.
struct NotifyFacts {
  bool member = true;  // and not disabled
  bool own = false;
  bool read = false;
  bool blocked = false;  // they have blocked its sender
  bool direct = false;
  bool mention = false;
  RoomNotify wishes{};
  NotifyLevel level_by_default = NotifyLevel::all;  // of such a room
  Attention attention = Attention::offline;
  std::optional<WallTime> quiet_until{};  // it is quiet now, until then
  WallTime at{};                          // of the message
  WallTime now{};
};

struct NotifyTimes {
  std::chrono::milliseconds delay{5'000}, away_delay{60'000}, max_age{86'400'000};
};

struct NotifyRuling {
  enum class What { tell, later, never };
  What what = What::tell;
  WallTime when{};            // of later: ask again then
  std::string_view reason{};  // which rule it was; "" of tell
  bool operator==(const NotifyRuling&) const = default;
};

// The rules, in their order; the first that applies decides, and where none does the member is told:
//
//   left     no member any more                                     never
//   own      their own message                                      never
//   read     they have read it, on whatever device                  never
//   blocked  its sender                                             never
//   muted    the room, until later than now                         never
//   level    the room's level is none; or mentions, and it is
//            neither a mention nor a direct chat                    never
//   stale    older than max_age                                     never
//   online   connected, and not away                                asked again away_delay after the message, in case the
//                                                                   connection was a dead one; then never
//   quiet    quiet hours                                            asked again at their end
//   away     idle for less than away_delay since the message        asked again then
//   delay    less than `delay` since the message                    asked again then
//
// Pure.
NotifyRuling rule(const NotifyFacts& facts, const NotifyTimes& times);

struct DefaultLevels {
  NotifyLevel level = NotifyLevel::all;
  std::uint32_t large_room = 500;  // members above which `all` by default means mentions
};

// Whether the room's level lets a message through, or several: `mention` when one of them mentions the member.
bool wanted(const RoomNotify& wishes, NotifyLevel by_default, bool direct, bool mention);

// What holds for a member who has not said: direct chats all; `all` in rooms of more than `large_room` members means mentions.
NotifyLevel default_level(bool direct, std::uint32_t members, NotifyLevel configured,
                          std::uint32_t large_room);

}  // namespace parley::backend
