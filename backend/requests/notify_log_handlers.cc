#include <algorithm>
#include <string>
#include <vector>

#include "backend/requests/handlers.h"
#include "backend/requests/notify_desk.h"
#include "backend/requests/params.h"
#include "backend/requests/reply_text.h"
#include "base/encoding.h"

namespace parley::backend {
namespace {

constexpr std::size_t kWordMax = 64;  // bytes of a provider's name, an outcome

// Left out where there is nothing.
void put(wire::Json& json, const char* key, const std::string& value) {
  if (!value.empty()) json[key] = repair_utf8(value);
}

// What a line of the log and a dead letter tell alike.
template <class Row>
wire::Json row_json(const Row& row) {
  wire::Json json{{"id", row.id},
                  {"at", to_ms(row.at)},
                  {"user", row.user},
                  {"provider", row.provider},
                  {"attempts", row.attempts}};
  put(json, "target", row.target);
  put(json, "room", row.room);
  if (row.seq > 0) json["seq"] = row.seq;
  put(json, "reason", row.reason);
  put(json, "notice", row.notice);
  return json;
}

wire::Json log_json(const NotifyLogRow& row) {
  auto json = row_json(row);
  json["outcome"] = row.outcome;
  json["ms"] = row.took.count();
  return json;
}

wire::Json tested_json(const NotifyDesk::Tested& tested) {
  wire::Json json{{"provider", tested.provider}, {"outcome", tested.outcome}, {"ms", tested.took.count()}};
  put(json, "device", tested.device);
  put(json, "reason", tested.reason);
  return json;
}

Reply results_text(const Result<std::vector<NotifyDesk::Tested>>& tested) {
  if (!tested) return refuse(wire::code_of(tested.error().code), tested.error().message);
  auto results = wire::Json::array();
  for (const auto& one : *tested) results.push_back(tested_json(one));
  return wire::Json{{"results", results}}.dump();
}

wire::Json queue_json(const NotifyQueue& queue, WallTime now) {
  wire::Json json{{"provider", queue.provider}, {"waiting", queue.waiting}, {"ready", queue.ready},
                  {"sending", queue.sending},   {"shown", queue.shown},     {"dead", queue.dead}};
  if (queue.oldest == WallTime{}) return json;
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - queue.oldest);
  json["oldest_s"] = std::max<std::int64_t>(age.count(), 0);
  return json;
}

// The letters' ids; none: all of them.
std::vector<std::uint64_t> read_ids(Params& params) {
  std::vector<std::uint64_t> ids;
  const bool all = params.flag("all", false);
  if (all == params.has("ids")) params.complain("ids", "or `all` is needed, and only one of them.");
  if (all) return ids;
  const auto* array = params.array("ids", kNotifyBatchMax);
  if (!array) return ids;
  if (array->empty()) params.complain("ids", "is empty.");
  for (const auto& one : *array) {
    if (!one.is_number_unsigned() || one == 0 || one > wire::kJsonIntegerMax) {
      params.complain("ids", "must hold ids of dead letters.");
      break;
    }
    ids.push_back(one.get<std::uint64_t>());
  }
  return ids;
}

}  // namespace

Outcome notify_log(const RequestContext& context) {
  Params params(context.request);
  NotifyLogQuery query{.user = params.optional_name("user").value_or(""),
                       .provider = params.optional_text("provider", kWordMax).value_or(""),
                       .outcome = params.optional_text("outcome", kWordMax).value_or(""),
                       .before = params.optional_number("before", 1, wire::kJsonIntegerMax).value_or(0)};
  const auto limit = params.limit(wire::kListLimitDefault, wire::kListLimitMax);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  if (auto allowed = admin_only(context); !allowed) return std::unexpected(allowed.error());
  query.limit = limit + 1;
  auto rows = context.services.stores.deliveries->log(query);
  if (!rows) return refuse(context, rows.error());
  return list_text("log", *rows, limit, log_json);
}

Outcome notify_dead(const RequestContext& context) {
  Params params(context.request);
  const auto after = params.optional_number("after", 0, wire::kJsonIntegerMax).value_or(0);
  const auto limit = params.limit(wire::kListLimitDefault, wire::kListLimitMax);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  if (auto allowed = admin_only(context); !allowed) return std::unexpected(allowed.error());
  auto letters = context.services.stores.deliveries->dead(after, limit + 1);
  if (!letters) return refuse(context, letters.error());
  return list_text("dead", *letters, limit, row_json<DeadLetter>);
}

Outcome notify_retry(const RequestContext& context) {
  Params params(context.request);
  const auto ids = read_ids(params);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  if (auto allowed = admin_only(context); !allowed) return std::unexpected(allowed.error());
  auto& deliveries = *context.services.stores.deliveries;
  auto retried = deliveries.retry_dead(ids, context.services.clock.wall());
  if (!retried) return refuse(context, retried.error());
  if (auto* desk = context.services.options.notify; desk && *retried > 0) desk->jobs_ready();
  return wire::Json{{"retried", *retried}}.dump();
}

Outcome notify_test(const RequestContext& context) {
  Params params(context.request);
  const auto user = params.name("user");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  if (auto allowed = admin_only(context); !allowed) return std::unexpected(allowed.error());
  auto* desk = context.services.options.notify;
  if (!desk || desk->providers().empty())
    return refuse(wire::Code::unavailable, "This server sends no notifications.");
  if (auto account = context.services.stores.users->find(user); !account)
    return refuse(context, account.error());
  return Deferred{[desk, user](const std::function<void(Reply)>& reply) {
    desk->test(user, [reply](const Result<std::vector<NotifyDesk::Tested>>& tested) {
      reply(results_text(tested));
    });
  }};
}

Outcome notify_status(const RequestContext& context) {
  Params params(context.request);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  if (auto allowed = admin_only(context); !allowed) return std::unexpected(allowed.error());
  auto queues = context.services.stores.deliveries->queues();
  if (!queues) return refuse(context, queues.error());
  auto* desk = context.services.options.notify;
  wire::Json json{{"providers", desk ? desk->providers() : std::vector<std::string>()},
                  {"queues", wire::Json::array()}};
  for (const auto& queue : *queues)
    json["queues"].push_back(queue_json(queue, context.services.clock.wall()));
  return json.dump();
}

}  // namespace parley::backend
