#include "backend/requests/handlers.h"
#include "backend/requests/params.h"
#include "backend/requests/reply_text.h"

namespace parley::backend {
namespace {

wire::Json act_json(const RecordedAct& recorded) {
  const auto& act = recorded.act;
  wire::Json json = {{"id", recorded.id},
                     {"at", to_ms(recorded.at)},
                     {"actor", act.actor},
                     {"action", act.action},
                     {"outcome", act.outcome},
                     {"details", wire::Json::parse(act.details, nullptr, /*allow_exceptions=*/false)}};
  for (const auto& [key, value] : {std::pair("device", &act.device), std::pair("address", &act.address),
                                   std::pair("room", &act.room), std::pair("user", &act.user)})
    if (!value->empty()) json[key] = *value;
  return json;
}

}  // namespace

Outcome audit_list(const RequestContext& context) {
  Params params(context.request);
  AuditQuery query{.actor = params.optional_name("actor"),
                   .room = params.optional_name("room"),
                   .user = params.optional_name("user")};
  auto since = params.optional_number("since", 0, wire::kJsonIntegerMax);
  query.before = params.optional_number("before", 1, wire::kJsonIntegerMax);
  auto limit = params.limit(wire::kListLimitDefault, wire::kListLimitMax);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  if (auto allowed = admin_only(context); !allowed) return std::unexpected(allowed.error());
  if (since) query.since = from_ms(static_cast<std::int64_t>(*since));
  query.limit = limit + 1;
  auto acts = context.services.stores.audit->list(query);
  if (!acts) return refuse(context, acts.error());
  return list_text("acts", *acts, limit, act_json);
}

}  // namespace parley::backend
