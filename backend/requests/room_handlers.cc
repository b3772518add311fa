#include <map>

#include "backend/requests/direct_room.h"
#include "backend/requests/handlers.h"
#include "backend/requests/params.h"
#include "backend/requests/reply_text.h"
#include "backend/requests/retention_params.h"
#include "backend/requests/room_access.h"
#include "backend/requests/room_change.h"

namespace parley::backend {
namespace {

constexpr std::size_t kInitialMembersMax = 500;    // so that the change fits one $CONTROL message
constexpr std::uint32_t kDeleteNoticesMax = 1000;  // members told of a deletion

using Roles = std::map<std::string, wire::Role>;

wire::RoomKind kind_parameter(Params& params) {
  auto text = params.optional_text("kind", wire::kNameMax).value_or("group");
  auto kind = wire::RoomKind::group;
  if (!wire::parse_kind(text, kind)) params.complain("kind", "must be group or channel.");
  if (kind == wire::RoomKind::direct) params.complain("kind", "must be group or channel: see room.direct.");
  return kind;
}

Roles members_parameter(Params& params) {
  Roles roles;
  const auto* object = params.object("members");
  if (!object) return roles;
  if (object->size() > kInitialMembersMax) {
    params.complain("members",
                    "has more than " + std::to_string(kInitialMembersMax) + "; add the others after.");
    return roles;
  }
  for (const auto& [user, value] : object->items()) {
    auto role = value.is_string() ? wire::parse_role(value.get_ref<const std::string&>()) : wire::Role::none;
    if (role == wire::Role::none)
      params.complain("members", "must give each user a role: reader, member, moderator or owner.");
    roles.emplace(user, role);
  }
  return roles;
}

// The draft of a room with `user` as its first owner.
NewRoom draft_room(const std::string& user, std::string name, wire::RoomKind kind, std::string title,
                   bool is_public, const Roles& roles) {
  auto created = room_content("created", title);
  NewRoom room{.name = std::move(name), .kind = kind, .title = std::move(title), .is_public = is_public};
  room.members.push_back({user, wire::Role::owner});
  room.entries.push_back({user, "owner", "room", std::move(created)});
  for (const auto& [member, role] : roles) {
    room.members.push_back({member, role});
    room.entries.push_back({user, "owner", "member", member_content("added", member, role)});
  }
  return room;
}

wire::Json added_notice(const std::string& room, wire::Role role, const std::string& by) {
  return {{"type", "added"}, {"room", room}, {"role", wire::role_name(role)}, {"by", by}};
}

std::expected<std::vector<std::string>, wire::Failure> members_to_tell(const RequestContext& context,
                                                                       std::uint64_t room_id) {
  auto members =
      context.services.stores.rooms->members({.room_id = room_id, .after = "", .limit = kDeleteNoticesMax});
  if (!members) return refuse(context, members.error());
  std::vector<std::string> users;
  for (auto& member : *members) {
    if (member.user != context.user()) users.push_back(std::move(member.user));
  }
  return users;
}

}  // namespace

Outcome room_create(const RequestContext& context) {
  Params params(context.request);
  auto name = params.name("room");
  auto kind = kind_parameter(params);
  auto title = params.optional_title("title").value_or("");
  auto is_public = params.flag("public", false);
  auto roles = members_parameter(params);
  auto retain = retention_parameters(params, context);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  if (context.services.rules()->room_create == RequestRules::RoomCreate::admins && !context.admin()) {
    return refuse(wire::Code::not_allowed, "Only administrators may make rooms here.");
  }
  if (is_direct_room_name(name))
    return refuse(wire::Code::not_allowed, "Names of this form are those of direct chats: see room.direct.");
  roles.erase(context.user());
  auto draft = draft_room(context.user(), std::move(name), kind, std::move(title), is_public, roles);
  draft.retain = retain.over({});
  auto made = context.services.stores.rooms->create(draft);
  if (!made) return refuse(context, made.error());
  auto change = changed_room(context, made->value, made->version, wire::Role::owner);
  change.in_force = [&services = context.services, room = made->value.name, by = context.user(), roles] {
    for (const auto& [user, role] : roles) notify_inbox(services, user, added_notice(room, role, by));
  };
  return change;
}

Outcome room_get(const RequestContext& context) {
  Params params(context.request);
  auto name = params.name("room");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto view = find_public_or_own(context, name);
  if (!view) return std::unexpected(view.error());
  auto peer = peer_of(context, *view);
  if (!peer) return std::unexpected(peer.error());
  return room_json(context, view->room, view->me.role, *peer).dump();
}

Outcome room_list(const RequestContext& context) {
  Params params(context.request);
  auto after = params.optional_name("after").value_or("");
  auto limit = params.limit(wire::kListLimitDefault, wire::kListLimitMax);
  auto all = params.flag("all", false);
  auto is_public = params.flag("public", false);
  if (all && is_public) params.complain("all", "can't be given with `public`.");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  if (auto allowed = admin_only(context); all && !allowed) return std::unexpected(allowed.error());
  RoomQuery query{.user = context.user(), .after = after, .limit = limit + 1};
  if (is_public) query.which = RoomQuery::Which::all_public;
  if (all) query.which = RoomQuery::Which::all;
  auto rooms = context.services.stores.rooms->list(query);
  if (!rooms) return refuse(context, rooms.error());
  return list_text("rooms", *rooms, limit, [&](const RoomOfUser& item) {
    return room_json(context, item.room, item.role, item.peer);
  });
}

Outcome room_search(const RequestContext& context) {
  Params params(context.request);
  auto text = params.text("query", wire::kDisplayNameMax);
  auto after = params.optional_name("after").value_or("");
  auto limit = params.limit(wire::kListLimitDefault, wire::kListLimitMax);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto rooms = context.services.stores.rooms->list({.which = RoomQuery::Which::all_public,
                                                    .user = context.user(),
                                                    .after = after,
                                                    .limit = limit + 1,
                                                    .text = text});
  if (!rooms) return refuse(context, rooms.error());
  return list_text("rooms", *rooms, limit, [&](const RoomOfUser& item) {
    return room_json(context, item.room, item.role, item.peer);
  });
}

Outcome room_update(const RequestContext& context) {
  Params params(context.request);
  auto name = params.name("room");
  auto title = params.optional_title("title");
  auto is_public = params.optional_flag("public");
  auto slow_s = params.optional_number("slow_s", 0, wire::kSlowSecondsMax);
  auto given = retention_parameters(params, context);
  if (!title && !is_public && !slow_s && !given.any())
    params.complain("title", "or `public`, `slow_s`, `retain_s` or `retain_messages` must be given.");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto view = find_for_moderator(context, name);
  if (!view) return std::unexpected(view.error());
  const auto& room = view->room;
  const bool only_retention = !title && !is_public && !slow_s;
  if (auto shared = not_direct(room); !shared && !(only_retention && context.admin()))
    return std::unexpected(shared.error());
  if (given.any() && !acts_as_owner(context, *view))
    return refuse(wire::Code::not_allowed, "Only owners of the room say how long messages stay.");
  std::optional<Retention> retain;
  if (given.over(room.retain) != room.retain) retain = given.over(room.retain);
  bool renamed = title && *title != room.title;
  bool updated = (is_public && *is_public != room.is_public) || (slow_s && *slow_s != room.slow_s) || retain;
  if (!renamed && !updated) return room_json(context, room, view->me.role).dump();
  RoomUpdate update{.title = title, .is_public = is_public, .retain = retain, .act = context.act};
  if (slow_s) update.slow_s = static_cast<std::uint32_t>(*slow_s);
  update.entries.push_back(
      {context.user(), std::string(wire::role_name(view->me.role)), "room",
       room_content(renamed ? "renamed" : "updated", title.value_or(room.title), retain)});
  auto done = context.services.stores.rooms->update(room.id, update);
  if (!done) return refuse(context, done.error());
  return changed_room(context, done->value, done->version, view->me.role);
}

Outcome room_delete(const RequestContext& context) {
  Params params(context.request);
  auto name = params.name("room");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto view = find_for_owner(context, name);
  if (!view) return std::unexpected(view.error());
  auto users = members_to_tell(context, view->room.id);
  if (!users) return std::unexpected(users.error());
  auto done = context.services.stores.rooms->erase(view->room.id, context.act);
  if (!done) return refuse(context, done.error());
  Changed change{.version = done->version};
  change.committed = [&services = context.services, id = view->room.id, name] {
    services.events.room_deleted(id, name);
  };
  change.in_force = [&services = context.services, room = name, by = context.user(),
                     users = std::move(*users)] {
    for (const auto& user : users)
      notify_inbox(services, user, {{"type", "removed"}, {"room", room}, {"by", by}});
  };
  return change;
}

Outcome room_join(const RequestContext& context) {
  Params params(context.request);
  auto name = params.name("room");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto view = find_public_or_own(context, name);
  if (!view) return std::unexpected(view.error());
  if (view->me.banned) return refuse(wire::Code::banned);
  if (view->member()) return refuse(wire::Code::already_exists, "You are a member of this room already.");
  return change_own_membership(context, *view, wire::Role::member, "joined", wire::Role::member);
}

Outcome room_leave(const RequestContext& context) {
  Params params(context.request);
  auto name = params.name("room");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto view = find_for_member(context, name);
  if (!view) return std::unexpected(view.error());
  if (auto shared = not_direct(view->room); !shared) return std::unexpected(shared.error());
  auto left = change_own_membership(context, *view, wire::Role::none, "left", view->me.role);
  if (left) std::get<Changed>(*left).result = "{}";
  return left;
}

}  // namespace parley::backend
