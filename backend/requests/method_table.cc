#include <algorithm>

#include "backend/requests/handlers.h"

namespace parley::backend {
namespace {

using enum MethodKind;
using enum Audited;

// In byte order of names, for the search.
constexpr Method kMethods[] = {
    {"append", append, change, apart},
    {"audit.list", audit_list, read},
    {"ban.add", ban_add, change, apart},
    {"ban.list", ban_list, read},
    {"ban.remove", ban_remove, change, apart},
    {"device.forget", device_forget, change, apart},
    {"device.list", device_list, read},
    {"history", history, read},
    {"invite.accept", invite_accept, change},
    {"invite.decline", invite_decline, change},
    {"invite.list", invite_list, read},
    {"invite.revoke", invite_revoke, change, within},
    {"jwt.revoke", jwt_revoke, change, apart},
    {"jwt.revoked", jwt_revoked, read},
    {"link.create", link_create, change, within},
    {"link.join", link_join, change},
    {"link.list", link_list, read},
    {"link.revoke", link_revoke, change, within},
    {"marks", marks, read},
    {"member.add", member_add, change, within},
    {"member.ban", member_ban, change, within},
    {"member.invite", member_invite, change, within},
    {"member.list", member_list, read},
    {"member.mute", member_mute, change, within},
    {"member.remove", member_remove, change, within},
    {"member.role", member_role, change, within},
    {"member.unban", member_unban, change, within},
    {"member.unmute", member_unmute, change, within},
    {"message.delete", message_delete, change, apart},
    {"notify.block", notify_block, change},
    {"notify.dead", notify_dead, read},
    {"notify.get", notify_get, read},
    {"notify.log", notify_log, read},
    {"notify.retry", notify_retry, change, apart},
    {"notify.room", notify_room, change},
    {"notify.set", notify_set, change, others},
    {"notify.status", notify_status, read},
    {"notify.test", notify_test, read, apart},
    {"notify.unblock", notify_unblock, change},
    {"presence.get", presence_get, read},
    {"presence.list", presence_list, read},
    {"presence.set", presence_set, change},
    {"push.list", push_list, read},
    {"push.register", push_register, change, others},
    {"push.unregister", push_unregister, change, others},
    {"read", read_marks, read},
    {"room.create", room_create, change},
    {"room.delete", room_delete, change, within},
    {"room.direct", room_direct, change},
    {"room.get", room_get, read},
    {"room.held", room_held, read},
    {"room.hold", room_hold, change, within},
    {"room.join", room_join, change},
    {"room.leave", room_leave, change},
    {"room.list", room_list, read},
    {"room.search", room_search, read},
    {"room.update", room_update, change, within},
    {"rooms", rooms, read},
    {"search", search, read},
    {"server.drain", server_drain, change, apart},
    {"server.shards", server_shards, read},
    {"server.stats", server_stats, read},
    {"server.status", server_status, read},
    {"session.kick", session_kick, change, apart},
    {"session.list", session_list, read},
    {"sync", sync, read},
    {"thread", thread, read},
    {"token.create", token_create, change, within},
    {"token.list", token_list, read},
    {"token.revoke", token_revoke, change, within},
    {"user.create", user_create, change, within},
    {"user.disable", user_disable, change, within},
    {"user.erase", user_erase, change, within},
    {"user.erasures", user_erasures, read},
    {"user.get", user_get, read},
    {"user.list", user_list, read},
    {"user.passwd", user_passwd, change, within},
    {"user.update", user_update, change, within},
};
static_assert(std::ranges::is_sorted(kMethods, {}, &Method::name));

}  // namespace

const Method* find_method(std::string_view name) {
  auto found = std::ranges::lower_bound(kMethods, name, {}, &Method::name);
  return found != std::end(kMethods) && found->name == name ? found : nullptr;
}

std::span<const Method> methods() {
  return kMethods;
}

}  // namespace parley::backend
