#pragma once
#include "backend/store/room_store.h"

namespace parley::backend {

// Columns: user, role, banned, since, received, read, muted until.
template <class Row>
Member read_member(const Row& row) {
  return {.user = row.string(0),
          .role = static_cast<wire::Role>(row.integer(1)),
          .banned = row.integer(2) != 0,
          .since = from_ms(row.integer(3)),
          .marks = {.received = row.number(4), .read = row.number(5)},
          .muted_until = from_ms(row.integer(6))};
}

}  // namespace parley::backend
