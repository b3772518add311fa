#pragma once
#include <string_view>

#include "backend/requests/outcome.h"
#include "backend/requests/room_access.h"

namespace parley::backend {

// What follows from a committed change of a room's facts; the result is the room, as one of `role` sees it.
Changed changed_room(const RequestContext& context, const Room& room, std::uint64_t version, wire::Role role);

// The requester joins or leaves by their own will: `role` is what they are then, `action` and `role_in_entry`
// what the room's log says.
Outcome change_own_membership(const RequestContext& context, const RoomView& view, wire::Role role,
                              std::string_view action, wire::Role role_in_entry, Ticket ticket = {});

}  // namespace parley::backend
