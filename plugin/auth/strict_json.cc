#include "plugin/auth/strict_json.h"

#include <set>
#include <string>
#include <vector>

namespace parley::plugin {

using nlohmann::json;

std::optional<json> parse_strict_object(std::string_view text) {
  std::vector<std::set<std::string>> seen;  // one for each object that is open
  bool repeated = false;
  auto watch = [&](int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) seen.emplace_back();
    if (event == json::parse_event_t::object_end) seen.pop_back();
    if (event == json::parse_event_t::key) {
      repeated |= !seen.back().insert(parsed.get_ref<const std::string&>()).second;
    }
    return true;
  };
  json parsed = json::parse(text, watch, /*allow_exceptions=*/false);
  if (repeated || !parsed.is_object()) return std::nullopt;
  return parsed;
}

}  // namespace parley::plugin
