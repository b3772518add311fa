#include "backend/store/mark_store.h"

#include <algorithm>

namespace parley::backend {

MarkOutcome raised(const Marks& now, const MarkRaise& raise, std::uint64_t last_seq) {
  const auto highest = std::max(raise.to.received, raise.to.read);
  if (!raise.checked && highest > last_seq) return {MarkOutcome::What::above_last_seq, now};
  const Marks next{.received = std::max(now.received, highest), .read = std::max(now.read, raise.to.read)};
  return {next == now ? MarkOutcome::What::unchanged : MarkOutcome::What::raised, next};
}

}  // namespace parley::backend
