#include "backend/requests/handlers.h"
#include "backend/requests/params.h"
#include "backend/requests/reply_text.h"
#include "backend/requests/room_access.h"

namespace parley::backend {
namespace {

constexpr std::uint64_t kMuteSecondsMax = 10ull * 366 * 24 * 3600;

// Whom a request is about, and how they stand in the room.
struct Target {
  RoomView view;
  Member member;
};
using FoundTarget = std::expected<Target, wire::Failure>;

using FindRoom = FoundRoom (*)(const RequestContext&, const std::string&);

FoundTarget find_target(const RequestContext& context, FindRoom find_room, const std::string& room,
                        const std::string& user) {
  auto view = find_room(context, room);
  if (!view) return std::unexpected(view.error());
  if (auto shared = not_direct(view->room); !shared) return std::unexpected(shared.error());
  auto account = context.services.stores.users->find(user);
  if (!account) return refuse(context, account.error());
  auto member = context.services.stores.rooms->member(view->room.id, user);
  if (!member) return refuse(context, member.error());
  return Target{std::move(*view), std::move(*member)};
}

std::unexpected<wire::Failure> not_in_room(const std::string& user) {
  return refuse(wire::Code::not_found, user + " is not a member of this room.");
}

wire::Json notice_of(std::string_view type, const std::string& room, wire::Role role, const std::string& by) {
  wire::Json notice = {{"type", type}, {"room", room}, {"by", by}};
  if (role != wire::Role::none) notice["role"] = wire::role_name(role);
  return notice;
}

// How a member's standing is to become, and what the room and the user are told of it.
struct Step {
  std::string_view action;
  wire::Role role = wire::Role::none;
  bool banned = false;
  std::string_view notice{};  // type; "" for none
  std::optional<WallTime> muted_until{};
};

// What a step adds to the room's entry and the user's notice.
void tell_mute(wire::Json& json, const Step& step) {
  if (step.muted_until && *step.muted_until != WallTime{}) json["until"] = to_ms(*step.muted_until);
}

Outcome take_step(const RequestContext& context, const Target& target, const Step& step) {
  const auto& user = target.member.user;
  MemberChange change{.room_id = target.view.room.id,
                      .user = user,
                      .role = step.role,
                      .banned = step.banned,
                      .muted_until = step.muted_until,
                      .act = context.act};
  auto content =
      wire::Json::parse(member_content(step.action, user, step.muted_until ? wire::Role::none : step.role));
  tell_mute(content, step);
  change.entries.push_back(
      {context.user(), std::string(wire::role_name(target.view.me.role)), "member", content.dump()});
  auto done = context.services.stores.rooms->change_member(change);
  if (!done && done.error().code == Errc::permission_denied) return refuse(wire::Code::last_owner);
  if (!done) return refuse(context, done.error());
  Changed changed{.version = done->version};
  if (step.role != wire::Role::none)
    changed.result = member_json(target.view.room.name, done->value, context.services.clock.wall()).dump();
  if (done->version == 0) return changed;
  changed.committed = [&services = context.services, id = target.view.room.id] {
    services.events.room_changed(id);
  };
  if (!step.notice.empty() && user != context.user()) {
    auto notice = notice_of(step.notice, target.view.room.name,
                            step.muted_until ? wire::Role::none : step.role, context.user());
    tell_mute(notice, step);
    changed.in_force = [&services = context.services, user, notice = std::move(notice)] {
      notify_inbox(services, user, notice);
    };
  }
  return changed;
}

struct RoomAndUser {
  std::string room, user;
};

std::expected<RoomAndUser, wire::Failure> room_and_user(const RequestContext& context) {
  Params params(context.request);
  RoomAndUser named{params.name("room"), params.name("user")};
  if (auto bad = params.finish()) return std::unexpected(*bad);
  return named;
}

}  // namespace

Outcome member_add(const RequestContext& context) {
  Params params(context.request);
  auto room = params.name("room");
  auto user = params.name("user");
  auto role = params.role("role", wire::Role::member);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto target = find_target(context, find_for_moderator, room, user);
  if (!target) return std::unexpected(target.error());
  if (role >= wire::Role::moderator && !acts_as_owner(context, target->view)) {
    return refuse(wire::Code::not_allowed, "Only owners may add moderators and owners.");
  }
  if (target->member.banned)
    return refuse(wire::Code::banned, user + " is banned from this room: unban them first.");
  if (target->member.role != wire::Role::none) {
    return refuse(wire::Code::already_exists, user + " is a member of this room already.");
  }
  return take_step(context, *target, {.action = "added", .role = role, .notice = "added"});
}

Outcome member_remove(const RequestContext& context) {
  auto named = room_and_user(context);
  if (!named) return std::unexpected(named.error());
  auto target = find_target(context, find_for_moderator, named->room, named->user);
  if (!target) return std::unexpected(target.error());
  if (target->member.role == wire::Role::none) return not_in_room(named->user);
  if (!may_remove(context, target->view, target->member.role)) {
    return refuse(wire::Code::not_allowed, "Moderators may remove members of lower roles only.");
  }
  return take_step(context, *target, {.action = "removed", .notice = "removed"});
}

Outcome member_role(const RequestContext& context) {
  Params params(context.request);
  auto room = params.name("room");
  auto user = params.name("user");
  auto role = params.role("role");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto target = find_target(context, find_for_owner, room, user);
  if (!target) return std::unexpected(target.error());
  if (target->member.role == wire::Role::none) return not_in_room(user);
  return take_step(context, *target, {.action = "role", .role = role});
}

Outcome member_ban(const RequestContext& context) {
  auto named = room_and_user(context);
  if (!named) return std::unexpected(named.error());
  auto target = find_target(context, find_for_moderator, named->room, named->user);
  if (!target) return std::unexpected(target.error());
  if (named->user == context.user()) return refuse(wire::Code::invalid_argument, "You can't ban yourself.");
  if (target->member.banned) {
    return refuse(wire::Code::already_exists, named->user + " is banned from this room already.");
  }
  if (!may_remove(context, target->view, target->member.role)) {
    return refuse(wire::Code::not_allowed, "Moderators may ban members of lower roles only.");
  }
  return take_step(context, *target, {.action = "banned", .banned = true, .notice = "banned"});
}

Outcome member_unban(const RequestContext& context) {
  auto named = room_and_user(context);
  if (!named) return std::unexpected(named.error());
  auto target = find_target(context, find_for_moderator, named->room, named->user);
  if (!target) return std::unexpected(target.error());
  if (!target->member.banned) {
    return refuse(wire::Code::not_found, named->user + " is not banned from this room.");
  }
  return take_step(context, *target, {.action = "unbanned"});
}

Outcome member_mute(const RequestContext& context) {
  Params params(context.request);
  auto room = params.name("room");
  auto user = params.name("user");
  auto now = context.services.clock.wall();
  auto until = params.optional_number("until", static_cast<std::uint64_t>(to_ms(now)) + 1,
                                      static_cast<std::uint64_t>(to_ms(kForever)));
  auto for_s = params.optional_number("for_s", 1, kMuteSecondsMax);
  if (until && for_s) params.complain("for_s", "can't be given with `until`.");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto target = find_target(context, find_for_moderator, room, user);
  if (!target) return std::unexpected(target.error());
  if (user == context.user()) return refuse(wire::Code::invalid_argument, "You can't mute yourself.");
  if (target->member.role == wire::Role::none) return not_in_room(user);
  if (!may_remove(context, target->view, target->member.role))
    return refuse(wire::Code::not_allowed, "Moderators may mute members of lower roles only.");
  auto end = kForever;
  if (until) end = from_ms(static_cast<std::int64_t>(*until));
  if (for_s) end = now + std::chrono::seconds(*for_s);
  return take_step(context, *target,
                   {.action = "muted", .role = target->member.role, .notice = "muted", .muted_until = end});
}

Outcome member_unmute(const RequestContext& context) {
  auto named = room_and_user(context);
  if (!named) return std::unexpected(named.error());
  auto target = find_target(context, find_for_moderator, named->room, named->user);
  if (!target) return std::unexpected(target.error());
  const auto& member = target->member;
  if (member.muted_until <= context.services.clock.wall())
    return refuse(wire::Code::not_found, named->user + " is not muted in this room.");
  if (!may_remove(context, target->view, member.role))
    return refuse(wire::Code::not_allowed, "Moderators may unmute members of lower roles only.");
  return take_step(context, *target,
                   {.action = "unmuted",
                    .role = member.role,
                    .banned = member.banned,
                    .notice = "unmuted",
                    .muted_until = WallTime{}});
}

Outcome member_list(const RequestContext& context) {
  Params params(context.request);
  auto room = params.name("room");
  auto after = params.optional_name("after").value_or("");
  auto limit = params.limit(wire::kListLimitDefault, wire::kListLimitMax);
  auto banned = params.flag("banned", false);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto view = find_for_reader(context, room);
  if (!view) return std::unexpected(view.error());
  auto members = context.services.stores.rooms->members(
      {.room_id = view->room.id, .banned = banned, .after = after, .limit = limit + 1});
  if (!members) return refuse(context, members.error());
  return list_text("members", *members, limit,
                   [&, now = context.services.clock.wall()](const Member& member) {
                     return member_json(room, member, now);
                   });
}

}  // namespace parley::backend
