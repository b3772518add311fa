#include "backend/requests/handlers.h"
#include "backend/requests/params.h"
#include "backend/requests/reply_text.h"
#include "backend/requests/room_access.h"
#include "backend/requests/room_change.h"

namespace parley::backend {
namespace {

constexpr std::chrono::hours kInvitationLife{30 * 24};

wire::Json invitation_json(const Invitation& invitation) {
  return {{"room", invitation.room},
          {"title", invitation.title},
          {"kind", wire::kind_name(invitation.kind)},
          {"user", invitation.user},
          {"role", wire::role_name(invitation.role)},
          {"by", invitation.by},
          {"at", to_ms(invitation.at)},
          {"expires_at", to_ms(invitation.expires_at)}};
}

// May the requester, who may moderate here, invite this one as `role`?
std::expected<void, wire::Failure> check_guest(const RequestContext& context, const RoomView& view,
                                               const std::string& user, wire::Role role) {
  if (role >= wire::Role::moderator && !acts_as_owner(context, view))
    return refuse(wire::Code::not_allowed, "Only owners may invite moderators and owners.");
  auto account = context.services.stores.users->find(user);
  if (!account) return refuse(context, account.error());
  if (account->disabled) return refuse(wire::Code::disabled, "The account of " + user + " is disabled.");
  auto guest = context.services.stores.rooms->member(view.room.id, user);
  if (!guest) return refuse(context, guest.error());
  if (guest->banned) return refuse(wire::Code::banned, user + " is banned from this room: unban them first.");
  if (guest->role == wire::Role::none) return {};
  return refuse(wire::Code::already_exists, user + " is a member of this room already.");
}

// A room as the requester, who was invited to it, sees it.
struct Invited {
  RoomView view;
  Invitation invitation;
};

// Whoever was not invited learns nothing, not even that there is such a room.
std::expected<Invited, wire::Failure> find_invited(const RequestContext& context, const std::string& name) {
  const auto none = [] {
    return refuse(wire::Code::not_found, "You have no invitation to a room of this name.");
  };
  auto& rooms = *context.services.stores.rooms;
  auto room = rooms.find(name);
  if (!room && room.error().code == Errc::not_found) return none();
  if (!room) return refuse(context, room.error());
  auto invitation = context.services.stores.admissions->invitation(room->id, context.user());
  if (!invitation && invitation.error().code == Errc::not_found) return none();
  if (!invitation) return refuse(context, invitation.error());
  auto me = rooms.member(room->id, context.user());
  if (!me) return refuse(context, me.error());
  return Invited{{std::move(*room), std::move(*me)}, std::move(*invitation)};
}

}  // namespace

Outcome member_invite(const RequestContext& context) {
  Params params(context.request);
  auto room = params.name("room");
  auto user = params.name("user");
  auto role = params.role("role", wire::Role::member);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto view = find_for_moderator(context, room);
  if (!view) return std::unexpected(view.error());
  if (auto shared = not_direct(view->room); !shared) return std::unexpected(shared.error());
  if (auto may = check_guest(context, *view, user, role); !may) return std::unexpected(may.error());
  auto now = context.services.clock.wall();
  NewInvitation draft{.room_id = view->room.id,
                      .user = user,
                      .role = role,
                      .by = context.user(),
                      .expires_at = now + kInvitationLife,
                      .act = context.act};
  if (auto done = context.services.stores.admissions->invite(draft); !done)
    return refuse(context, done.error());
  auto told = invitation_json({.room_id = view->room.id,
                               .room = room,
                               .title = view->room.title,
                               .kind = view->room.kind,
                               .user = user,
                               .role = role,
                               .by = context.user(),
                               .at = now,
                               .expires_at = draft.expires_at});
  auto notice = told;
  notice["type"] = "invited";
  notify_inbox(context.services, user, notice);
  return told.dump();
}

Outcome invite_list(const RequestContext& context) {
  Params params(context.request);
  auto room = params.optional_name("room");
  auto after = params.optional_name("after").value_or("");
  auto limit = params.limit(wire::kListLimitDefault, wire::kListLimitMax);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto& admissions = *context.services.stores.admissions;
  if (!room) {
    auto mine = admissions.invitations_of(context.user(), after, limit + 1);
    if (!mine) return refuse(context, mine.error());
    return list_text("invitations", *mine, limit, invitation_json);
  }
  auto view = find_for_moderator(context, *room);
  if (!view) return std::unexpected(view.error());
  auto open = admissions.invitations_to(view->room.id, after, limit + 1);
  if (!open) return refuse(context, open.error());
  return list_text("invitations", *open, limit, invitation_json);
}

Outcome invite_accept(const RequestContext& context) {
  Params params(context.request);
  auto room = params.name("room");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto invited = find_invited(context, room);
  if (!invited) return std::unexpected(invited.error());
  auto role = invited->invitation.role;
  return change_own_membership(context, invited->view, role, "joined", role,
                               {.kind = Ticket::Kind::invitation});
}

Outcome invite_decline(const RequestContext& context) {
  Params params(context.request);
  auto room = params.name("room");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto invited = find_invited(context, room);
  if (!invited) return std::unexpected(invited.error());
  auto done = context.services.stores.admissions->withdraw(invited->view.room.id, context.user());
  if (!done) return refuse(context, done.error());
  notify_inbox(context.services, invited->invitation.by,
               {{"type", "declined"}, {"room", room}, {"user", context.user()}});
  return "{}";
}

Outcome invite_revoke(const RequestContext& context) {
  Params params(context.request);
  auto room = params.name("room");
  auto user = params.name("user");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto view = find_for_moderator(context, room);
  if (!view) return std::unexpected(view.error());
  auto done = context.services.stores.admissions->withdraw(view->room.id, user, context.act);
  if (!done) return refuse(context, done.error());
  return "{}";
}

}  // namespace parley::backend
