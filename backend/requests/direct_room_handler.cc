#include "backend/requests/direct_room.h"
#include "backend/requests/handlers.h"
#include "backend/requests/params.h"
#include "backend/requests/reply_text.h"
#include "backend/requests/room_access.h"

namespace parley::backend {
namespace {

constexpr auto kMember = wire::Role::member;

Result<Committed<Room>> make_chat(const RequestContext& context, const std::string& name,
                                  const std::string& peer) {
  NewRoom draft{.name = name, .kind = wire::RoomKind::direct, .title = ""};
  draft.members = {{context.user(), kMember}, {peer, kMember}};
  draft.entries.push_back({context.user(), "member", "room", room_content("created", "")});
  return context.services.stores.rooms->create(draft);
}

// The chat there is already, whoever began it.
Outcome known_chat(const RequestContext& context, const Room& room, const std::string& peer) {
  if (room.kind != wire::RoomKind::direct)
    return refuse(wire::Code::already_exists, "Another room has the name " + room.name + " of this chat.");
  return room_json(context, room, kMember, peer).dump();
}

}  // namespace

Outcome room_direct(const RequestContext& context) {
  Params params(context.request);
  auto peer = params.name("user");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  if (peer == context.user())
    return refuse(wire::Code::invalid_argument, "A direct chat is with somebody else.");
  auto account = context.services.stores.users->find(peer);
  if (!account) return refuse(context, account.error());
  const auto name = direct_room_name(context.user(), peer);
  auto known = context.services.stores.rooms->find(name);
  if (known) return known_chat(context, *known, peer);
  if (known.error().code != Errc::not_found) return refuse(context, known.error());
  if (account->disabled) return refuse(wire::Code::disabled, "The account of " + peer + " is disabled.");
  auto made = make_chat(context, name, peer);
  if (!made) return refuse(context, made.error());
  return Changed{
      .version = made->version,
      .result = room_json(context, made->value, kMember, peer).dump(),
      .committed = [&services = context.services, id = made->value.id] { services.events.room_changed(id); },
      .in_force =
          [&services = context.services, name, peer, by = context.user()] {
            notify_inbox(services, peer,
                         {{"type", "added"},
                          {"room", name},
                          {"kind", "direct"},
                          {"role", wire::role_name(kMember)},
                          {"by", by}});
          }};
}

}  // namespace parley::backend
