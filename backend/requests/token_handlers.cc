#include "backend/requests/handlers.h"
#include "backend/requests/params.h"
#include "backend/requests/reply_text.h"
#include "backend/requests/secret_token.h"

namespace parley::backend {
namespace {

constexpr std::uint64_t kExpirySecondsMax = 100ull * 366 * 24 * 3600;
constexpr std::size_t kTokenIdMax = 26;

std::optional<WallTime> expiry(WallTime now, std::optional<std::uint64_t> seconds) {
  if (!seconds) return std::nullopt;
  return now + std::chrono::seconds(*seconds);
}

}  // namespace

Outcome token_create(const RequestContext& context) {
  Params params(context.request);
  auto given = params.optional_name("user");
  auto label = params.optional_title("label").value_or("");
  auto expires_in = params.optional_number("expires_in", 1, kExpirySecondsMax);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto user = oneself_or_admin(context, given);
  if (!user) return std::unexpected(user.error());
  auto now = context.services.clock.wall();
  auto secret = make_secret_token(now);
  auto done = context.services.stores.users->create_token({.id = secret.id,
                                                           .user = *user,
                                                           .label = label,
                                                           .sha256 = secret.sha256,
                                                           .expires_at = expiry(now, expires_in),
                                                           .act = context.act});
  if (!done) return refuse(context, done.error());
  return Changed{.version = done->version,
                 .result = wire::Json{{"id", secret.id}, {"token", secret.text}}.dump()};
}

// Whether another's token exists is nobody's business: the same answer either way.
Outcome token_revoke(const RequestContext& context) {
  Params params(context.request);
  auto id = params.text("token_id", kTokenIdMax);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto& users = *context.services.stores.users;
  auto token = users.find_token(id);
  if (!token) return refuse(context, token.error());
  if (token->user != context.user() && !context.admin()) {
    return refuse(wire::Code::not_found, "There is no such token.");
  }
  auto done = users.revoke_token(id, context.act);
  if (!done) return refuse(context, done.error());
  return Changed{.version = done->version};
}

Outcome token_list(const RequestContext& context) {
  Params params(context.request);
  auto given = params.optional_name("user");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto user = oneself_or_admin(context, given);
  if (!user) return std::unexpected(user.error());
  auto tokens = context.services.stores.users->tokens(*user);
  if (!tokens) return refuse(context, tokens.error());
  auto list = wire::Json::array();
  for (const auto& token : *tokens) list.push_back(token_json(token));
  return wire::Json{{"tokens", std::move(list)}}.dump();
}

}  // namespace parley::backend
