#include <algorithm>

#include "backend/requests/handlers.h"
#include "backend/requests/params.h"
#include "base/encoding.h"
#include "wire/network.h"

namespace parley::backend {
namespace {

using wire::BanKind;

struct Target {
  BanKind kind = BanKind::user;
  std::string text;
};

// One of `user`, `client`, `network`, in its one spelling.
Target target_of(Params& params) {
  std::vector<Target> given;
  for (const auto kind : {BanKind::user, BanKind::client, BanKind::network}) {
    const std::string key(wire::ban_kind_name(kind));
    if (!params.has(key.c_str())) continue;
    const auto text = params.text(key.c_str(), wire::kBanIdMax);
    auto canonical = wire::canonical_target(kind, text);
    if (!canonical) params.complain(key, "is none: " + canonical.error().message);
    given.push_back({kind, canonical.value_or("")});
  }
  if (given.size() == 1) return given.front();
  params.complain("user", "or `client` or `network` is to say who: one of them.");
  return {};
}

// Whoever bans shall be there to take it back.
std::optional<std::string> hits_oneself(const RequestContext& context, const Target& target) {
  const auto& request = context.request;
  switch (target.kind) {
    case BanKind::user:
      if (fold_case(target.text) == fold_case(context.user())) return "This is you. Nobody can ban themself.";
      break;
    case BanKind::client:
      if (fold_case(target.text) == fold_case(request.device))
        return "This is the client you ask with. Nobody can ban themself.";
      break;
    case BanKind::network: {
      const auto own = wire::parse_client_address(request.address);
      const auto network = wire::parse_network(target.text);
      if (own && network && network->contains(*own))
        return "You are connected from " + request.address + ", which is in it. Nobody can ban themself.";
      break;
    }
  }
  return std::nullopt;
}

}  // namespace

Outcome ban_add(const RequestContext& context) {
  Params params(context.request);
  const auto target = target_of(params);
  const auto for_s = params.optional_number("for_s", 1, wire::kBanSecondsMax).value_or(0);
  const auto reason = params.optional_title("reason").value_or("");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  if (auto allowed = admin_only(context); !allowed) return std::unexpected(allowed.error());
  if (auto why = hits_oneself(context, target)) return refuse(wire::Code::not_allowed, *why);
  // A slip of the hand would keep nobody out, and nobody would notice.
  if (target.kind == BanKind::user)
    if (auto account = context.services.stores.users->find(target.text); !account)
      return refuse(context, account.error());
  return ask_broker(context, wire::BanAdd{target.kind, target.text, reason, context.user(), for_s});
}

Outcome ban_remove(const RequestContext& context) {
  Params params(context.request);
  const auto target = target_of(params);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  if (auto allowed = admin_only(context); !allowed) return std::unexpected(allowed.error());
  return ask_broker(context, wire::BanRemove{target.kind, target.text});
}

Outcome ban_list(const RequestContext& context) {
  Params params(context.request);
  const auto after = params.optional_text("after", wire::kBanIdMax).value_or("");
  const auto limit = params.limit(wire::kListLimitDefault, wire::kListLimitMax);
  if (!after.empty() && !wire::parse_ban_id(after)) params.complain("after", "is no ban's id.");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  if (auto allowed = admin_only(context); !allowed) return std::unexpected(allowed.error());
  return ask_broker(context, wire::BanList{after, std::min(limit, wire::kBanListMax)});
}

}  // namespace parley::backend
