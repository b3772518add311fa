#pragma once
#include <span>
#include <string_view>

#include "backend/requests/request_context.h"

namespace parley::backend {

using Handler = Outcome (*)(const RequestContext&);

// Reads run side by side; changes one after another, in the order they came.
enum class MethodKind { read, change };

// Is it in the audit log? `within`: what changes the store takes the act along (RequestContext::act). `apart`:
// it is recorded by itself, as `asked` when somebody else is to do it. `others`: the same, but what users do with
// what is their own is not. What is refused is recorded either way.
enum class Audited { no, within, apart, others };

struct Method {
  std::string_view name;
  Handler handler;
  MethodKind kind;
  Audited audited = Audited::no;
};

// nullptr: there is no such method.
const Method* find_method(std::string_view name);
// All of them, in byte order.
std::span<const Method> methods();

// The methods of topics.md §4, one handler each: it reads the parameters, judges who may, acts. Handlers may
// throw nothing but for want of memory. Those of kind `change` are called by one thread at a time.
Outcome room_create(const RequestContext& context);
Outcome room_direct(const RequestContext& context);
Outcome room_get(const RequestContext& context);
Outcome room_list(const RequestContext& context);
Outcome room_held(const RequestContext& context);
Outcome room_hold(const RequestContext& context);
Outcome room_update(const RequestContext& context);
Outcome room_delete(const RequestContext& context);
Outcome room_join(const RequestContext& context);
Outcome room_leave(const RequestContext& context);
Outcome member_add(const RequestContext& context);
Outcome member_remove(const RequestContext& context);
Outcome member_role(const RequestContext& context);
Outcome member_ban(const RequestContext& context);
Outcome member_unban(const RequestContext& context);
Outcome member_invite(const RequestContext& context);
Outcome member_mute(const RequestContext& context);
Outcome member_unmute(const RequestContext& context);
Outcome invite_list(const RequestContext& context);
Outcome invite_accept(const RequestContext& context);
Outcome invite_decline(const RequestContext& context);
Outcome invite_revoke(const RequestContext& context);
Outcome link_create(const RequestContext& context);
Outcome link_list(const RequestContext& context);
Outcome link_revoke(const RequestContext& context);
Outcome link_join(const RequestContext& context);
Outcome message_delete(const RequestContext& context);
Outcome room_search(const RequestContext& context);
Outcome audit_list(const RequestContext& context);
Outcome member_list(const RequestContext& context);
Outcome history(const RequestContext& context);
Outcome marks(const RequestContext& context);
Outcome read_marks(const RequestContext& context);
Outcome rooms(const RequestContext& context);
Outcome sync(const RequestContext& context);
Outcome thread(const RequestContext& context);
Outcome search(const RequestContext& context);
Outcome device_list(const RequestContext& context);
Outcome device_forget(const RequestContext& context);
Outcome presence_get(const RequestContext& context);
Outcome presence_list(const RequestContext& context);
Outcome presence_set(const RequestContext& context);
Outcome user_create(const RequestContext& context);
Outcome user_erase(const RequestContext& context);
Outcome user_erasures(const RequestContext& context);
Outcome user_get(const RequestContext& context);
Outcome user_update(const RequestContext& context);
Outcome user_disable(const RequestContext& context);
Outcome user_passwd(const RequestContext& context);
Outcome user_list(const RequestContext& context);
Outcome token_create(const RequestContext& context);
Outcome token_revoke(const RequestContext& context);
Outcome token_list(const RequestContext& context);
Outcome ban_add(const RequestContext& context);
Outcome ban_list(const RequestContext& context);
Outcome ban_remove(const RequestContext& context);
Outcome jwt_revoke(const RequestContext& context);
Outcome jwt_revoked(const RequestContext& context);
Outcome session_list(const RequestContext& context);
Outcome server_drain(const RequestContext& context);
Outcome session_kick(const RequestContext& context);
Outcome push_register(const RequestContext& context);
Outcome push_unregister(const RequestContext& context);
Outcome push_list(const RequestContext& context);
Outcome notify_get(const RequestContext& context);
Outcome notify_set(const RequestContext& context);
Outcome notify_room(const RequestContext& context);
Outcome notify_block(const RequestContext& context);
Outcome notify_unblock(const RequestContext& context);
Outcome notify_log(const RequestContext& context);
Outcome notify_dead(const RequestContext& context);
Outcome notify_retry(const RequestContext& context);
Outcome notify_test(const RequestContext& context);
Outcome notify_status(const RequestContext& context);
Outcome append(const RequestContext& context);
Outcome server_shards(const RequestContext& context);
Outcome server_stats(const RequestContext& context);
Outcome server_status(const RequestContext& context);

}  // namespace parley::backend
