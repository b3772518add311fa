#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace parley::plugin {

// One JSON object (RFC 8259, UTF-8, nothing behind it) in which no object has a member twice; nullopt for
// anything else. Two readers of a repeated member may believe different ones, which is how checks are walked
// around. Never throws.
std::optional<nlohmann::json> parse_strict_object(std::string_view text);

}  // namespace parley::plugin
