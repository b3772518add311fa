#include "backend/app/vitals.h"

#include "backend/metrics/exposition.h"
#include "backend/metrics/process_metrics.h"

namespace parley::backend {
namespace {

constexpr std::size_t kBusyRoomsTold = 20;

std::string busy_rooms_metrics(const Vitals& vitals) {
  if (vitals.top_rooms == 0) return "";
  Exposition out;
  out.family("parley_busy_room_messages", "gauge",
             "Messages stored in the last minute, of the busiest rooms; approximate, never too few.");
  for (const auto& [room, messages] : vitals.busy_rooms(vitals.top_rooms))
    out.sample(static_cast<double>(messages), {{"room", room}});
  return out.take();
}

}  // namespace

std::string vitals_metrics(const Vitals& vitals) {
  const auto presence = vitals.presence();
  Exposition out;
  out.family("parley_build_info", "gauge", "Always 1; its label is the version of parleyd.")
      .sample(1, {{"version", PARLEY_VERSION}});
  out.gauge("parley_ready", "1 while attached to the broker and the store answers, as /readyz has it.",
            vitals.readiness().ready ? 1 : 0);
  out.family("parley_presence_users", "gauge", "Users shown as online or away, by the attached parleyd.")
      .sample(presence.online, {{"status", "online"}})
      .sample(presence.away, {{"status", "away"}});
  return out.take() + process_metrics() + queue_metrics(vitals.queues()) +
         dependency_metrics(vitals.dependencies()) + disk_metrics(vitals.folders) +
         certificate_metrics(vitals.certificate_files) + busy_rooms_metrics(vitals);
}

nlohmann::json vitals_json(const Vitals& vitals) {
  auto queues = nlohmann::json::object();
  for (const auto& queue : vitals.queues())
    queues[queue.name] = {{"length", queue.length}, {"capacity", queue.capacity}};
  auto rooms = nlohmann::json::array();
  for (const auto& [room, messages] : vitals.busy_rooms(kBusyRoomsTold))
    rooms.push_back({{"room", room}, {"messages", messages}});
  const auto presence = vitals.presence();
  return {{"queues", std::move(queues)},
          {"presence", {{"online", presence.online}, {"away", presence.away}}},
          {"busy_rooms", std::move(rooms)}};
}

}  // namespace parley::backend
