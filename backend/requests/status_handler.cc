#include "backend/requests/handlers.h"
#include "backend/requests/params.h"

namespace parley::backend {
namespace {

wire::Json dependencies_json(const std::vector<Dependency>& dependencies) {
  auto json = wire::Json::object();
  for (const auto& dependency : dependencies) {
    const auto reading = dependency.reading();
    json[dependency.name] = {{"state", breaker_state_name(reading.state)},
                             {"opened", reading.opened},
                             {"half_opened", reading.half_opened},
                             {"closed", reading.closed}};
  }
  return json;
}

wire::Json retention_json(const ExpirerProgress& progress) {
  wire::Json json{{"expired", progress.expired}, {"rooms_due", progress.rooms_due}};
  if (progress.round) json["round"] = to_ms(*progress.round);
  return json;
}

std::int64_t uptime_s(const Services& services) {
  return std::chrono::duration_cast<std::chrono::seconds>(services.clock.steady() - services.started).count();
}

// Answers with `known`, and what the broker tells when it is asked now.
Outcome with_broker(const Services& services, wire::Json known) {
  return Deferred{[&broker = services.broker, known = std::move(known)](auto reply) {
    broker.stats([reply, known](const Result<nlohmann::json>& stats) mutable {
      known["broker"] = stats ? *stats : wire::Json::object();
      known["broker"]["attached"] = stats.has_value();
      reply(known.dump());
    });
  }};
}

std::expected<wire::Json, wire::Failure> read_status(const RequestContext& context) {
  auto& services = context.services;
  auto users = services.stores.users->count();
  if (!users) return refuse(context, users.error());
  auto rooms = services.stores.rooms->count();
  if (!rooms) return refuse(context, rooms.error());
  auto messages = services.stores.messages->message_count();
  if (!messages) return refuse(context, messages.error());
  auto feed = services.stores.messages->position();
  if (!feed) return refuse(context, feed.error());
  auto directory = services.stores.directory->version();
  if (!directory) return refuse(context, directory.error());
  const auto expirer = services.options.expirer ? services.options.expirer() : ExpirerProgress{};
  return wire::Json{{"version", PARLEY_VERSION},
                    {"uptime_s", uptime_s(services)},
                    {"users", *users},
                    {"rooms", *rooms},
                    {"messages", *messages},
                    {"directory_version", *directory},
                    {"retention", retention_json(expirer)},
                    {"feed", {{"journal", feed->journal}, {"offset", feed->offset}}},
                    {"dependencies", dependencies_json(services.options.dependencies)}};
}

}  // namespace

// Asked often (parleyctl top), so it costs no statement of the database.
Outcome server_stats(const RequestContext& context) {
  Params params(context.request);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  if (auto allowed = admin_only(context); !allowed) return std::unexpected(allowed.error());
  const auto& services = context.services;
  auto stats = services.options.stats ? services.options.stats() : wire::Json::object();
  stats["version"] = PARLEY_VERSION;
  stats["at"] = to_ms(services.clock.wall());
  stats["uptime_s"] = uptime_s(services);
  stats["dependencies"] = dependencies_json(services.options.dependencies);
  return with_broker(services, std::move(stats));
}

// Without the broker's answer the status is what the backend knows.
Outcome server_status(const RequestContext& context) {
  Params params(context.request);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  if (auto allowed = admin_only(context); !allowed) return std::unexpected(allowed.error());
  auto status = read_status(context);
  if (!status) return std::unexpected(status.error());
  return with_broker(context.services, std::move(*status));
}

}  // namespace parley::backend
