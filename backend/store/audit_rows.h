#pragma once
#include "backend/store/audit_store.h"

namespace parley::backend {

// Columns: id, at, actor, device, address, action, room, user, outcome, details.
template <class Row>
RecordedAct read_act(const Row& row) {
  return {.id = row.number(0),
          .at = from_ms(row.integer(1)),
          .act = {.actor = row.string(2),
                  .device = row.string(3),
                  .address = row.string(4),
                  .action = row.string(5),
                  .room = row.string(6),
                  .user = row.string(7),
                  .outcome = row.string(8),
                  .details = row.string(9)}};
}

}  // namespace parley::backend
