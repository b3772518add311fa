#include <algorithm>

#include "backend/requests/handlers.h"
#include "backend/requests/params.h"
#include "backend/requests/reply_text.h"

namespace parley::backend {
namespace {

constexpr std::uint32_t kSessionsAtOnce = 500;  // what one answer of the broker holds; the list says "more"

}  // namespace

Outcome session_list(const RequestContext& context) {
  Params params(context.request);
  auto given = params.optional_name("user");
  auto after = params.optional_name("after").value_or("");
  auto limit = params.limit(wire::kListLimitDefault, wire::kListLimitMax);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto user = oneself_or_admin(context, given);
  if (!user) return std::unexpected(user.error());
  wire::Sessions query{.user = *user, .after = after, .limit = std::min(limit, kSessionsAtOnce)};
  if (context.admin() && !given) query.user = "";
  return Deferred{[&broker = context.services.broker, query = std::move(query)](auto reply) {
    broker.sessions(query, [reply](const Result<nlohmann::json>& answer) { reply(reply_of(answer)); });
  }};
}

Outcome session_kick(const RequestContext& context) {
  Params params(context.request);
  auto given = params.optional_name("user");
  auto device = params.optional_name("device").value_or("");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto user = oneself_or_admin(context, given);
  if (!user) return std::unexpected(user.error());
  return Deferred{[&broker = context.services.broker, user = *user, device = std::move(device)](auto reply) {
    broker.kick(user, device, [reply](const Result<std::uint32_t>& kicked) {
      if (!kicked) return reply(refuse(wire::code_of(kicked.error().code), kicked.error().message));
      reply("{\"kicked\":" + std::to_string(*kicked) + "}");
    });
  }};
}

// {"on":true,"over_s":60,"server":…,"stop":false}, or {"on":false}.
Outcome server_drain(const RequestContext& context) {
  constexpr std::uint32_t kOverDefault = 60;
  Params params(context.request);
  wire::Drain plan{.on = params.flag("on", true)};
  const auto over = params.optional_number("over_s", 0, wire::kDrainSecondsMax);
  plan.over_s = plan.on ? static_cast<std::uint32_t>(over.value_or(kOverDefault)) : 0;
  plan.server = params.optional_text("server", wire::kDrainServerMax).value_or("");
  plan.stop = params.flag("stop", false);
  if (!plan.on && (over || !plan.server.empty() || plan.stop))
    params.complain("on", "is false: then nothing else is said.");
  if (std::ranges::any_of(plan.server, [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
    params.complain("server", "has control characters.");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  if (auto allowed = admin_only(context); !allowed) return std::unexpected(allowed.error());
  return ask_broker(context, std::move(plan));
}

}  // namespace parley::backend
