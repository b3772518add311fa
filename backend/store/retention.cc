#include "backend/store/retention.h"

#include <algorithm>
#include <limits>

namespace parley::backend {
namespace {

std::uint64_t limited(std::uint64_t own, std::uint64_t fallback, std::uint64_t ceiling) {
  const auto wanted = own > 0 ? own : fallback;
  if (ceiling == 0) return wanted;
  return wanted > 0 ? std::min(wanted, ceiling) : ceiling;
}

}  // namespace

Retention RetentionRules::in_force(const Retention& own) const {
  return {.seconds = limited(own.seconds, fallback.seconds, ceiling.seconds),
          .messages = limited(own.messages, fallback.messages, ceiling.messages)};
}

DueLine due_line(const Retention& retention, std::uint64_t last_seq, WallTime now) {
  DueLine line{.seq = 0, .at_ms = std::numeric_limits<std::int64_t>::min()};
  if (retention.messages > 0 && last_seq > retention.messages) line.seq = last_seq - retention.messages;
  if (retention.seconds > 0) line.at_ms = to_ms(now - std::chrono::seconds(retention.seconds));
  return line;
}

Error held_room() {
  return {Errc::permission_denied, "This room can't be deleted now; ask an administrator."};
}

}  // namespace parley::backend
