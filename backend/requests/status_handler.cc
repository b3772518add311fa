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
  auto uptime = std::chrono::duration_cast<std::chrono::seconds>(services.clock.steady() - services.started);
  return wire::Json{{"version", PARLEY_VERSION},
                    {"uptime_s", uptime.count()},
                    {"users", *users},
                    {"rooms", *rooms},
                    {"messages", *messages},
                    {"directory_version", *directory},
                    {"retention", retention_json(expirer)},
                    {"feed", {{"journal", feed->journal}, {"offset", feed->offset}}},
                    {"dependencies", dependencies_json(services.options.dependencies)}};
}

}  // namespace

// Without the broker's answer the status is what the backend knows.
Outcome server_status(const RequestContext& context) {
  Params params(context.request);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  if (auto allowed = admin_only(context); !allowed) return std::unexpected(allowed.error());
  auto status = read_status(context);
  if (!status) return std::unexpected(status.error());
  return Deferred{[&broker = context.services.broker, status = std::move(*status)](auto reply) {
    broker.stats([reply, status](const Result<nlohmann::json>& stats) mutable {
      status["broker"] = stats ? *stats : wire::Json::object();
      status["broker"]["attached"] = stats.has_value();
      reply(status.dump());
    });
  }};
}

}  // namespace parley::backend
