#include "backend/requests/handlers.h"
#include "backend/requests/params.h"
#include "backend/requests/reply_text.h"
#include "backend/requests/room_access.h"

namespace parley::backend {
namespace {

constexpr std::size_t kReasonMax = 1024;  // bytes

}  // namespace

// The reason goes into the audit log with the act.
Outcome room_hold(const RequestContext& context) {
  Params params(context.request);
  const auto name = params.name("room");
  const auto held = params.flag("held", false);
  (void)params.optional_text("reason", kReasonMax);
  if (!params.has("held")) params.complain("held", "is missing.");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  if (auto allowed = admin_only(context); !allowed) return std::unexpected(allowed.error());
  auto view = find_for_reader(context, name);
  if (!view) return std::unexpected(view.error());
  auto done = context.services.stores.retention->hold(view->room.id, held, context.act);
  if (!done) return refuse(context, done.error());
  view->room.held = held;
  return Changed{.result = room_json(context, view->room, view->me.role).dump()};
}

Outcome room_held(const RequestContext& context) {
  Params params(context.request);
  const auto name = params.name("room");
  const auto after = params.optional_number("after", 0, wire::kJsonIntegerMax).value_or(0);
  const auto limit = params.limit(wire::kHistoryLimitDefault, wire::kHistoryLimitMax);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  if (auto allowed = admin_only(context); !allowed) return std::unexpected(allowed.error());
  auto view = find_for_reader(context, name);
  if (!view) return std::unexpected(view.error());
  auto page = context.services.stores.retention->kept_aside(view->room.id, after, limit);
  if (!page) return refuse(context, page.error());
  return list_of_texts("messages", page->envelopes, page->more);
}

}  // namespace parley::backend
