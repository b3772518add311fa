#pragma once
#include <map>
#include <string>

#include "backend/store/notify_steps.h"

namespace parley::backend {

// Columns: id, user, target, provider, room, state, due, since, want, mention, changed, shown, shown at, notice, notice's seq, attempts,
// not before, again, claimed by.
template <class Row>
KeptJob read_kept_job(const Row& row) {
  const auto flag = [&row](int column) {
    if constexpr (requires { row.flag(column); })
      return row.flag(column);
    else
      return row.integer(column) != 0;
  };
  return {.job = {.id = row.number(0),
                  .user = row.string(1),
                  .target = row.string(2),
                  .provider = row.string(3),
                  .room_id = row.number(4),
                  .state = static_cast<NotifyJob::State>(row.integer(5)),
                  .due = from_ms(row.integer(6)),
                  .since = from_ms(row.integer(7)),
                  .want_seq = row.number(8),
                  .mention_seq = row.number(9),
                  .changed = flag(10),
                  .shown_seq = row.number(11),
                  .shown_at = from_ms(row.integer(12)),
                  .notice = row.string(13),
                  .notice_seq = row.number(14),
                  .attempts = static_cast<std::uint32_t>(row.integer(15))},
          .not_before = from_ms(row.integer(16)),
          .again = flag(17),
          .claimed_by = row.string(18)};
}

// Columns: provider, waiting, ready, sending, shown, dead, the oldest.
template <class Row>
void add_queue_row(std::map<std::string, NotifyQueue>& queues, const Row& row) {
  auto& queue = queues[row.string(0)];
  queue.waiting += row.number(1);
  queue.ready += row.number(2);
  queue.sending += row.number(3);
  queue.shown += row.number(4);
  queue.dead += row.number(5);
  if (row.integer(6) > 0) queue.oldest = from_ms(row.integer(6));
}

}  // namespace parley::backend
