#include "backend/presence/presence_fold.h"

#include <nlohmann/json.hpp>

namespace parley::backend {

DeviceSays read_device_status(std::string_view payload) {
  const auto json = nlohmann::json::parse(payload, nullptr, false);
  if (!json.is_object() || !json.contains("status")) return DeviceSays::nothing;
  const auto& status = json["status"];
  if (status == "online") return DeviceSays::online;
  if (status == "away") return DeviceSays::away;
  if (status == "offline") return DeviceSays::offline;
  return DeviceSays::nothing;
}

std::string format_presence(const PresenceRow& row) {
  return nlohmann::ordered_json{{"status", presence_name(row.status)}, {"last_seen", to_ms(row.last_seen)}}
      .dump();
}

std::string_view presence_name(PresenceStatus status) {
  switch (status) {
    case PresenceStatus::online:
      return "online";
    case PresenceStatus::away:
      return "away";
    case PresenceStatus::offline:
      break;
  }
  return "offline";
}

}  // namespace parley::backend
