#include "backend/requests/handlers.h"
#include "backend/requests/params.h"
#include "backend/requests/reply_text.h"
#include "backend/requests/room_access.h"
#include "backend/requests/room_change.h"
#include "backend/requests/secret_token.h"
#include "base/crypto.h"

namespace parley::backend {
namespace {

constexpr std::uint64_t kLinkSecondsMax = 366ull * 24 * 3600;
constexpr std::uint64_t kLinkUsesMax = 1'000'000;
constexpr std::size_t kLinkIdMax = 26;
constexpr std::size_t kCodeMax = 128;

// Without the code, which nobody knows any more.
wire::Json link_json(const std::string& room, const JoinLink& link) {
  wire::Json json = {
      {"link_id", link.id}, {"room", room}, {"by", link.by}, {"at", to_ms(link.at)}, {"uses", link.uses}};
  if (link.expires_at) json["expires_at"] = to_ms(*link.expires_at);
  if (link.uses_left) json["uses_left"] = *link.uses_left;
  return json;
}

}  // namespace

Outcome link_create(const RequestContext& context) {
  Params params(context.request);
  auto room = params.name("room");
  auto expires_in = params.optional_number("expires_in", 1, kLinkSecondsMax);
  auto uses = params.optional_number("uses", 1, kLinkUsesMax);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto view = find_for_moderator(context, room);
  if (!view) return std::unexpected(view.error());
  if (auto shared = not_direct(view->room); !shared) return std::unexpected(shared.error());
  auto now = context.services.clock.wall();
  auto secret = make_link_code(now);
  NewJoinLink draft{.id = secret.id, .room_id = view->room.id, .by = context.user(), .sha256 = secret.sha256};
  draft.act = context.act;
  if (expires_in) draft.expires_at = now + std::chrono::seconds(*expires_in);
  if (uses) draft.uses = static_cast<std::uint32_t>(*uses);
  auto made = context.services.stores.admissions->create_link(draft);
  if (!made) return refuse(context, made.error());
  auto json = link_json(room, *made);
  json["code"] = secret.text;
  return json.dump();
}

Outcome link_list(const RequestContext& context) {
  Params params(context.request);
  auto room = params.name("room");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto view = find_for_moderator(context, room);
  if (!view) return std::unexpected(view.error());
  auto links = context.services.stores.admissions->links(view->room.id);
  if (!links) return refuse(context, links.error());
  auto list = wire::Json::array();
  for (const auto& link : *links) list.push_back(link_json(room, link));
  return wire::Json{{"links", std::move(list)}}.dump();
}

Outcome link_revoke(const RequestContext& context) {
  Params params(context.request);
  auto room = params.name("room");
  auto id = params.text("link_id", kLinkIdMax);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto view = find_for_moderator(context, room);
  if (!view) return std::unexpected(view.error());
  auto done = context.services.stores.admissions->revoke_link(view->room.id, id, context.act);
  if (!done) return refuse(context, done.error());
  return "{}";
}

Outcome link_join(const RequestContext& context) {
  Params params(context.request);
  auto code = params.text("code", kCodeMax);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto& stores = context.services.stores;
  auto link = stores.admissions->find_link(std::string(as_view(sha256(code))));
  if (!link) return refuse(context, link.error());
  auto room = stores.rooms->get(link->room_id);
  if (!room) return refuse(context, room.error());
  auto me = stores.rooms->member(room->id, context.user());
  if (!me) return refuse(context, me.error());
  if (me->banned) return refuse(wire::Code::banned);
  if (me->role != wire::Role::none)
    return refuse(wire::Code::already_exists, "You are a member of this room already.");
  return change_own_membership(context, {std::move(*room), std::move(*me)}, wire::Role::member, "joined",
                               wire::Role::member, {.kind = Ticket::Kind::link, .link = link->id});
}

}  // namespace parley::backend
