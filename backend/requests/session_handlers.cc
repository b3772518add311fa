#include <algorithm>

#include "backend/requests/handlers.h"
#include "backend/requests/params.h"
#include "backend/requests/reply_text.h"

namespace parley::backend {
namespace {

constexpr std::uint32_t kSessionsAtOnce = 500;  // what one answer of the broker holds; the list says "more"

Reply text_of(const Result<nlohmann::json>& answer) {
  if (!answer) return refuse(wire::code_of(answer.error().code), answer.error().message);
  return answer->dump();
}

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
    broker.sessions(query, [reply](const Result<nlohmann::json>& answer) { reply(text_of(answer)); });
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

}  // namespace parley::backend
