#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "plugin/limits/lru_map.h"

namespace parley::plugin {

// When each user last sent to each room in slow mode.
//
// In memory alone and bounded: at `entries_max` pairs the one not seen for longest is forgotten, and after a
// restart all are; a forgotten pair may send at once. About 150 bytes an entry. Not thread-safe; never
// blocks.
class SendPace {
 public:
  explicit SendPace(std::size_t entries_max = 100'000) : last_(entries_max) {}

  // How long until `user` (as created) may send to `room` (its number) again, where a message may come every
  // `pace`; zero: now. Rounded up to whole seconds.
  std::chrono::seconds wait(std::string_view user, std::uint64_t room, std::chrono::seconds pace,
                            SteadyTime now);
  void sent(std::string_view user, std::uint64_t room, SteadyTime now);

 private:
  LruMap<std::string, SteadyTime> last_;
};

}  // namespace parley::plugin
