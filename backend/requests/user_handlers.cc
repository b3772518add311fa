#include "backend/requests/handlers.h"
#include "backend/requests/params.h"
#include "backend/requests/reply_text.h"

namespace parley::backend {
namespace {

constexpr std::size_t kPasswordMax = 1024;  // bytes

// Not for the broker's thread: it takes a millisecond or more. That is why only verifiers travel.
std::string verifier(const RequestContext& context, const std::string& password) {
  return format_scram(make_scram_verifier(password, context.services.rules()->scram_iterations));
}

bool password_matches(const Account& account, const std::optional<std::string>& password) {
  auto scram = parse_scram(account.scram);
  return scram && password && scram_matches(*scram, *password);
}

Outcome changed_account(const RequestContext& context, const Result<Committed<Account>>& done) {
  if (!done) return refuse(context, done.error());
  return Changed{.version = done->version, .result = user_json(done->value).dump()};
}

}  // namespace

Outcome user_create(const RequestContext& context) {
  Params params(context.request);
  auto name = params.name("user");
  auto has_password = params.has("password");
  auto password =
      has_password ? params.text("password", kPasswordMax, context.services.rules()->password_min) : "";
  auto admin = params.flag("admin", false);
  auto title = params.optional_title("title").value_or("");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  if (auto allowed = admin_only(context); !allowed) return std::unexpected(allowed.error());
  NewAccount account{.name = name, .title = title, .admin = admin, .scram = "", .act = context.act};
  if (has_password) account.scram = verifier(context, password);
  return changed_account(context, context.services.stores.users->create(account));
}

Outcome user_get(const RequestContext& context) {
  Params params(context.request);
  auto name = params.optional_name("user").value_or(context.user());
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto account = context.services.stores.users->find(name);
  if (!account) return refuse(context, account.error());
  return user_json(*account).dump();
}

Outcome user_update(const RequestContext& context) {
  Params params(context.request);
  auto given = params.optional_name("user");
  auto title = params.optional_title("title");
  auto admin = params.optional_flag("admin");
  if (!title && !admin) params.complain("title", "or `admin` must be given.");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto name = oneself_or_admin(context, given);
  if (!name) return std::unexpected(name.error());
  if (auto allowed = admin_only(context); admin && !allowed) return std::unexpected(allowed.error());
  return changed_account(context, context.services.stores.users->update(
                                      *name, {.title = title, .admin = admin, .act = context.act}));
}

Outcome user_disable(const RequestContext& context) {
  Params params(context.request);
  auto name = params.name("user");
  auto disabled = params.flag("disabled", true);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  if (auto allowed = admin_only(context); !allowed) return std::unexpected(allowed.error());
  if (name == context.user() && disabled) {
    return refuse(wire::Code::not_allowed, "Administrators can't disable their own account.");
  }
  return changed_account(
      context, context.services.stores.users->update(name, {.disabled = disabled, .act = context.act}));
}

Outcome user_passwd(const RequestContext& context) {
  Params params(context.request);
  auto given = params.optional_name("user");
  auto password = params.text("password", kPasswordMax, context.services.rules()->password_min);
  auto old = params.optional_text("old", kPasswordMax);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto name = oneself_or_admin(context, given);
  if (!name) return std::unexpected(name.error());
  if (!context.admin() && !context.requester.scram.empty() && !password_matches(context.requester, old)) {
    return refuse(wire::Code::not_allowed, "`old` is not the password this account has.");
  }
  auto done = context.services.stores.users->update(
      *name, {.scram = verifier(context, password), .act = context.act});
  if (!done) return refuse(context, done.error());
  return Changed{.version = done->version};
}

Outcome user_list(const RequestContext& context) {
  Params params(context.request);
  auto after = params.optional_name("after").value_or("");
  auto limit = params.limit(wire::kListLimitDefault, wire::kListLimitMax);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  if (auto allowed = admin_only(context); !allowed) return std::unexpected(allowed.error());
  auto accounts = context.services.stores.users->list(after, limit + 1);
  if (!accounts) return refuse(context, accounts.error());
  return list_text("users", *accounts, limit, user_json);
}

}  // namespace parley::backend
