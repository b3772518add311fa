#include "backend/requests/room_access.h"

namespace parley::backend {
namespace {

std::unexpected<wire::Failure> nothing_to_see(const RequestContext& context, const Member& me = {}) {
  if (me.banned) return refuse(wire::Code::banned);
  return refuse(context.admin() ? wire::Code::not_found : wire::Code::not_a_member);
}

// The room and the requester's standing, without a judgement.
FoundRoom look_up(const RequestContext& context, const std::string& name) {
  auto& rooms = *context.services.stores.rooms;
  auto room = rooms.find(name);
  if (!room && room.error().code == Errc::not_found) return nothing_to_see(context);
  if (!room) return refuse(context, room.error());
  auto me = rooms.member(room->id, context.user());
  if (!me) return refuse(context, me.error());
  return RoomView{std::move(*room), std::move(*me)};
}

}  // namespace

FoundRoom find_for_member(const RequestContext& context, const std::string& room) {
  auto view = look_up(context, room);
  if (!view || view->member()) return view;
  return refuse(view->me.banned ? wire::Code::banned : wire::Code::not_a_member);
}

FoundRoom find_for_reader(const RequestContext& context, const std::string& room) {
  auto view = look_up(context, room);
  if (!view || view->member() || context.admin()) return view;
  return nothing_to_see(context, view->me);
}

FoundRoom find_public_or_own(const RequestContext& context, const std::string& room) {
  auto view = look_up(context, room);
  if (!view || view->member() || context.admin() || view->room.is_public) return view;
  return nothing_to_see(context, view->me);
}

FoundRoom find_for_moderator(const RequestContext& context, const std::string& room) {
  auto view = find_for_reader(context, room);
  if (!view || context.admin() || view->me.role >= wire::Role::moderator) return view;
  return refuse(wire::Code::not_allowed, "Only moderators and owners of the room may do this.");
}

FoundRoom find_for_owner(const RequestContext& context, const std::string& room) {
  auto view = find_for_reader(context, room);
  if (!view || acts_as_owner(context, *view)) return view;
  return refuse(wire::Code::not_allowed, "Only owners of the room may do this.");
}

std::expected<void, wire::Failure> not_direct(const Room& room) {
  if (room.kind != wire::RoomKind::direct) return {};
  return refuse(wire::Code::not_allowed, "A direct chat stays as it is: between these two.");
}

std::expected<std::string, wire::Failure> peer_of(const RequestContext& context, const RoomView& view) {
  if (view.room.kind != wire::RoomKind::direct || !view.member()) return std::string();
  auto both = context.services.stores.rooms->members({.room_id = view.room.id, .after = "", .limit = 2});
  if (!both) return refuse(context, both.error());
  for (const auto& member : *both)
    if (member.user != context.user()) return member.user;
  return std::string();
}

bool acts_as_owner(const RequestContext& context, const RoomView& view) {
  return context.admin() || view.me.role == wire::Role::owner;
}

bool may_remove(const RequestContext& context, const RoomView& view, wire::Role role) {
  return acts_as_owner(context, view) || role < view.me.role;
}

}  // namespace parley::backend
