#pragma once
#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace parley::backend {

struct ExpirerProgress {
  bool active = false;
  std::uint64_t expired = 0;        // messages, since the process began
  std::uint64_t rooms_due = 0;      // known to have more that is due
  std::optional<WallTime> round{};  // when the last round through all rooms ended
};

}  // namespace parley::backend
