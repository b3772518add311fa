#include <algorithm>

#include "backend/requests/handlers.h"
#include "backend/requests/params.h"

namespace parley::backend {
namespace {

constexpr std::chrono::days kKeptFor{366};  // when nobody says how long the tokens would be good

}  // namespace

// The list is the broker's own: it is asked with no backend there, and knows nothing of users who are not its.
Outcome jwt_revoke(const RequestContext& context) {
  Params params(context.request);
  wire::JwtRevoke revoke{.jti = params.optional_text("jti", wire::kJwtIdMax).value_or(""),
                         .user = params.optional_name("user").value_or("")};
  const auto now = static_cast<std::uint64_t>(to_ms(context.services.clock.wall()));
  const auto before = params.optional_number("before", 1, now);
  const auto until = params.optional_number("until", now, wire::kJsonIntegerMax);
  if (revoke.jti.empty() == revoke.user.empty())
    params.complain("jti", "or `user` must be given, one of the two.");
  if (before && revoke.user.empty()) params.complain("before", "goes with `user`.");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  if (auto allowed = admin_only(context); !allowed) return std::unexpected(allowed.error());
  if (!revoke.user.empty()) revoke.before = static_cast<std::int64_t>(before.value_or(now));
  revoke.until = until ? static_cast<std::int64_t>(*until) : to_ms(context.services.clock.wall() + kKeptFor);
  return ask_broker(context, std::move(revoke));
}

Outcome jwt_revoked(const RequestContext& context) {
  Params params(context.request);
  auto after = params.optional_text("after", wire::kJwtIdMax + 8).value_or("");
  auto limit = params.limit(wire::kListLimitDefault, wire::kListLimitMax);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  if (auto allowed = admin_only(context); !allowed) return std::unexpected(allowed.error());
  return ask_broker(context, wire::JwtRevoked{.after = std::move(after), .limit = std::min(limit, 500u)});
}

}  // namespace parley::backend
