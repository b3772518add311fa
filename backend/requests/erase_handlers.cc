#include "backend/requests/handlers.h"
#include "backend/requests/params.h"
#include "backend/requests/reply_text.h"
#include "wire/erasure.h"

namespace parley::backend {
namespace {

wire::Json erasure_json(const Erasure& erasure, const EraseProgress& progress) {
  wire::Json json{{"pseudonym", erasure.pseudonym}, {"begun_at", to_ms(erasure.begun_at)}};
  if (!erasure.user.empty()) json["user"] = erasure.user;
  if (erasure.done_at) json["done_at"] = to_ms(*erasure.done_at);
  if (progress.pseudonym != erasure.pseudonym) return json;
  json["stage"] = progress.stage;
  json["changed"] = progress.changed;
  return json;
}

EraseProgress progress_of(const RequestContext& context) {
  auto* work = context.services.options.erase_work;
  return work ? work->progress() : EraseProgress{};
}

}  // namespace

Outcome user_erase(const RequestContext& context) {
  Params params(context.request);
  auto name = params.name("user");
  auto confirm = params.name("confirm");
  if (confirm != name) params.complain("confirm", "must repeat the user's name.");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  if (auto allowed = admin_only(context); !allowed) return std::unexpected(allowed.error());
  if (name == context.user())
    return refuse(wire::Code::not_allowed, "Administrators can't erase their own account.");
  auto begun = context.services.stores.erasures->begin(name, context.act);
  if (!begun) return refuse(context, begun.error());
  return Changed{.version = begun->version,
                 .result = erasure_json(begun->value, progress_of(context)).dump(),
                 .committed = [work = context.services.options.erase_work,
                               desk = context.services.options.notify, name] {
                   if (work) work->begun();
                   if (desk) desk->forget(name);
                 }};
}

Outcome user_erasures(const RequestContext& context) {
  Params params(context.request);
  auto after = params.optional_text("after", wire::kNameMax).value_or("");
  auto limit = params.limit(wire::kListLimitDefault, wire::kListLimitMax);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  if (auto allowed = admin_only(context); !allowed) return std::unexpected(allowed.error());
  auto erasures = context.services.stores.erasures->list(after, limit + 1);
  if (!erasures) return refuse(context, erasures.error());
  const auto progress = progress_of(context);
  return list_text("erasures", *erasures, limit,
                   [&](const Erasure& erasure) { return erasure_json(erasure, progress); });
}

}  // namespace parley::backend
