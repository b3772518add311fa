#include "backend/presence/presence_fold.h"
#include "backend/requests/handlers.h"
#include "backend/requests/params.h"
#include "backend/requests/reply_text.h"
#include "backend/requests/room_access.h"

namespace parley::backend {
namespace {

wire::Json presence_json(const PresenceRow& row) {
  wire::Json json = {{"user", row.user}, {"status", presence_name(row.status)}};
  if (row.seen()) json["last_seen"] = to_ms(row.last_seen);
  return json;
}

wire::Json devices_json(const RequestContext& context, const std::string& user) {
  auto json = wire::Json::array();
  for (const auto& device : context.services.presence.devices(user)) {
    wire::Json item = {{"device", device.device}, {"connected", device.connected}};
    if (!device.says.empty()) item["status"] = device.says;
    json.push_back(std::move(item));
  }
  return json;
}

// Nothing, or why the requester may not see this user's presence.
std::expected<void, wire::Failure> may_see(const RequestContext& context, const std::string& user) {
  auto account = context.services.stores.users->find(user);
  if (!account) return refuse(context, account.error());
  if (user == context.user() || context.admin()) return {};
  auto together = context.services.stores.presence->share_a_room(context.user(), user);
  if (!together) return refuse(context, together.error());
  if (*together) return {};
  return refuse(wire::Code::not_allowed, "You share no room with " + user + ".");
}

}  // namespace

Outcome presence_get(const RequestContext& context) {
  Params params(context.request);
  auto user = params.optional_name("user").value_or(context.user());
  if (auto bad = params.finish()) return std::unexpected(*bad);
  if (auto allowed = may_see(context, user); !allowed) return std::unexpected(allowed.error());
  auto rows = context.services.stores.presence->get(std::span(&user, 1));
  if (!rows) return refuse(context, rows.error());
  const auto row = rows->empty() ? PresenceRow{.user = user} : rows->front();
  auto json = presence_json(row);
  if (user == context.user() || context.admin()) {
    json["invisible"] = row.invisible;
    json["devices"] = devices_json(context, user);
  }
  return json.dump();
}

Outcome presence_list(const RequestContext& context) {
  Params params(context.request);
  auto room = params.name("room");
  auto after = params.optional_name("after").value_or("");
  auto limit = params.limit(wire::kListLimitDefault, wire::kListLimitMax);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto view = find_for_reader(context, room);
  if (!view) return std::unexpected(view.error());
  auto rows = context.services.stores.presence->of_room(view->room.id, after, limit + 1);
  if (!rows) return refuse(context, rows.error());
  return list_text("presence", *rows, limit, presence_json);
}

Outcome presence_set(const RequestContext& context) {
  Params params(context.request);
  auto invisible = params.optional_flag("invisible");
  if (!invisible) params.complain("invisible", "must be true or false.");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto done = context.services.stores.presence->set_invisible(context.user(), *invisible);
  if (!done) return refuse(context, done.error());
  context.services.presence.invisible_changed(context.user(), *invisible);
  return wire::Json{{"invisible", *invisible}}.dump();
}

}  // namespace parley::backend
