#include <algorithm>

#include "backend/requests/handlers.h"

namespace parley::backend {
namespace {

using enum MethodKind;

// In byte order of names, for the search.
constexpr Method kMethods[] = {
    {"append", append, change},
    {"history", history, read},
    {"invite.accept", invite_accept, change},
    {"invite.decline", invite_decline, change},
    {"invite.list", invite_list, read},
    {"invite.revoke", invite_revoke, change},
    {"link.create", link_create, change},
    {"link.join", link_join, change},
    {"link.list", link_list, read},
    {"link.revoke", link_revoke, change},
    {"member.add", member_add, change},
    {"member.ban", member_ban, change},
    {"member.invite", member_invite, change},
    {"member.list", member_list, read},
    {"member.mute", member_mute, change},
    {"member.remove", member_remove, change},
    {"member.role", member_role, change},
    {"member.unban", member_unban, change},
    {"member.unmute", member_unmute, change},
    {"message.delete", message_delete, change},
    {"room.create", room_create, change},
    {"room.delete", room_delete, change},
    {"room.direct", room_direct, change},
    {"room.get", room_get, read},
    {"room.join", room_join, change},
    {"room.leave", room_leave, change},
    {"room.list", room_list, read},
    {"room.search", room_search, read},
    {"room.update", room_update, change},
    {"server.shards", server_shards, read},
    {"server.status", server_status, read},
    {"session.kick", session_kick, change},
    {"session.list", session_list, read},
    {"sync", sync, read},
    {"token.create", token_create, change},
    {"token.list", token_list, read},
    {"token.revoke", token_revoke, change},
    {"user.create", user_create, change},
    {"user.disable", user_disable, change},
    {"user.get", user_get, read},
    {"user.list", user_list, read},
    {"user.passwd", user_passwd, change},
    {"user.update", user_update, change},
};
static_assert(std::ranges::is_sorted(kMethods, {}, &Method::name));

}  // namespace

const Method* find_method(std::string_view name) {
  auto found = std::ranges::lower_bound(kMethods, name, {}, &Method::name);
  return found != std::end(kMethods) && found->name == name ? found : nullptr;
}

}  // namespace parley::backend
