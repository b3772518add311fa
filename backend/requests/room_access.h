#pragma once
#include <expected>
#include <string>

#include "backend/requests/request_context.h"

namespace parley::backend {

// A room as the requester stands to it.
struct RoomView {
  Room room;
  Member me;  // role none for administrators from outside

  bool member() const { return me.role != wire::Role::none; }
};
using FoundRoom = std::expected<RoomView, wire::Failure>;

// Whoever is not in a room learns nothing of it, not even that it exists: not_a_member either way (banned:
// that they are). Administrators may do everything in every room, and get not_found where there is none.

FoundRoom find_for_member(const RequestContext& context, const std::string& room);  // members only
FoundRoom find_for_reader(const RequestContext& context, const std::string& room);  // members, administrators
FoundRoom find_public_or_own(const RequestContext& context,
                             const std::string& room);  // also: everyone, public rooms
FoundRoom find_for_moderator(const RequestContext& context,
                             const std::string& room);  // moderators, owners, administrators
FoundRoom find_for_owner(const RequestContext& context, const std::string& room);  // owners, administrators

// Nothing, or `not_allowed`: a direct chat belongs to its two people as it is.
std::expected<void, wire::Failure> not_direct(const Room& room);
// With whom the requester has this direct chat; "" of any other room.
std::expected<std::string, wire::Failure> peer_of(const RequestContext& context, const RoomView& view);

// Has the requester an owner's powers over the room?
bool acts_as_owner(const RequestContext& context, const RoomView& view);
// May the requester, who may moderate here, remove or ban somebody of `role`?
bool may_remove(const RequestContext& context, const RoomView& view, wire::Role role);

}  // namespace parley::backend
