#pragma once
#include "backend/store/admission_store.h"

// Rows of the tables behind AdmissionStore, which every SQL database gives in the same shape.
namespace parley::backend {

inline constexpr std::int64_t kNoLimit = -1;  // uses_left

// Columns: room_id, room's name, title, kind, user, role, inviter, at, expires_at.
template <class Row>
Invitation read_invitation(const Row& row) {
  return {.room_id = row.number(0),
          .room = row.string(1),
          .title = row.string(2),
          .kind = static_cast<wire::RoomKind>(row.integer(3)),
          .user = row.string(4),
          .role = static_cast<wire::Role>(row.integer(5)),
          .by = row.string(6),
          .at = from_ms(row.integer(7)),
          .expires_at = from_ms(row.integer(8))};
}

// Columns: id, room_id, creator, at, expires_at, uses_left, uses.
template <class Row>
JoinLink read_link(const Row& row) {
  JoinLink link{.id = row.string(0),
                .room_id = row.number(1),
                .by = row.string(2),
                .at = from_ms(row.integer(3)),
                .uses = static_cast<std::uint32_t>(row.integer(6))};
  if (row.integer(4) != 0) link.expires_at = from_ms(row.integer(4));
  if (row.integer(5) != kNoLimit) link.uses_left = static_cast<std::uint32_t>(row.integer(5));
  return link;
}

}  // namespace parley::backend
