#include "backend/requests/room_change.h"

#include "backend/requests/reply_text.h"

namespace parley::backend {

Changed changed_room(const RequestContext& context, const Room& room, std::uint64_t version,
                     wire::Role role) {
  return {.version = version,
          .result = room_json(context, room, role).dump(),
          .committed = [&services = context.services, id = room.id] { services.events.room_changed(id); }};
}

Outcome change_own_membership(const RequestContext& context, const RoomView& view, wire::Role role,
                              std::string_view action, wire::Role role_in_entry, Ticket ticket) {
  auto content = member_content(action, context.user(), role);
  MemberChange change{
      .room_id = view.room.id, .user = context.user(), .role = role, .ticket = std::move(ticket)};
  change.entries.push_back(
      {context.user(), std::string(wire::role_name(role_in_entry)), "member", std::move(content)});
  auto done = context.services.stores.rooms->change_member(change);
  if (!done && done.error().code == Errc::permission_denied) return refuse(wire::Code::last_owner);
  if (!done) return refuse(context, done.error());
  Room room = view.room;
  room.members += role == wire::Role::none ? -1 : 1;
  return changed_room(context, room, done->version, role);
}

}  // namespace parley::backend
