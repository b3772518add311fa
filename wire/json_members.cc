#include "wire/json_members.h"

#include <algorithm>
#include <optional>

namespace parley::wire {
namespace {

constexpr std::size_t kMembersUsual = 16;

bool is_text(const nlohmann::json& value, std::size_t max_bytes) {
  const auto* text = value.get_ptr<const nlohmann::json::string_t*>();
  return text != nullptr && text->size() <= max_bytes;
}

// JSON made in memory from signed numbers keeps them signed, JSON that was parsed has those above zero unsigned.
std::optional<std::uint64_t> natural(const nlohmann::json& value) {
  if (const auto* number = value.get_ptr<const nlohmann::json::number_unsigned_t*>()) return *number;
  const auto* number = value.get_ptr<const nlohmann::json::number_integer_t*>();
  if (number == nullptr || *number < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

}  // namespace

bool nested_deeper_than(std::string_view json, std::size_t levels) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > levels) return true;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
}

JsonMembers::JsonMembers(const nlohmann::json& object, std::string_view what) : object_(object), what_(what) {
  if (!object_.is_object()) complaint_ = what_ + ": This is not a JSON object.";
  asked_.reserve(kMembersUsual);
}

const nlohmann::json* JsonMembers::find(const char* name, Presence presence) {
  if (!ok()) return nullptr;
  asked_.emplace_back(name);
  const auto found = object_.find(name);
  if (found != object_.end()) {
    ++found_;
    return &*found;
  }
  if (presence == required) complain(name, "is missing.");
  return nullptr;
}

std::string JsonMembers::text(const char* name, std::size_t max_bytes, Presence presence) {
  const nlohmann::json* value = find(name, presence);
  if (value == nullptr) return {};
  if (!is_text(*value, max_bytes)) {
    complain(name, "must be a string of at most " + std::to_string(max_bytes) + " bytes.");
    return {};
  }
  return *value->get_ptr<const nlohmann::json::string_t*>();
}

std::uint64_t JsonMembers::number(const char* name, std::uint64_t max, Presence presence, std::uint64_t min) {
  const nlohmann::json* value = find(name, presence);
  if (value == nullptr) return 0;
  const std::optional<std::uint64_t> number = natural(*value);
  if (!number || *number < min || *number > max) {
    complain(name, "must be an integer from " + std::to_string(min) + " to " + std::to_string(max) + ".");
    return 0;
  }
  return *number;
}

bool JsonMembers::flag(const char* name, Presence presence) {
  const nlohmann::json* value = find(name, presence);
  if (value == nullptr) return false;
  const auto* flag = value->get_ptr<const nlohmann::json::boolean_t*>();
  if (flag == nullptr) complain(name, "must be true or false.");
  return flag != nullptr && *flag;
}

const nlohmann::json* JsonMembers::array(const char* name, std::size_t items_max, Presence presence) {
  const nlohmann::json* value = find(name, presence);
  if (value == nullptr || (value->is_array() && value->size() <= items_max)) return value;
  complain(name, value->is_array() ? "has more than " + std::to_string(items_max) + " items."
                                   : "must be an array.");
  return nullptr;
}

const nlohmann::json* JsonMembers::object(const char* name, Presence presence) {
  const nlohmann::json* value = find(name, presence);
  if (value == nullptr || value->is_object()) return value;
  complain(name, "must be an object.");
  return nullptr;
}

void JsonMembers::complain(std::string_view name, std::string_view complaint) {
  if (!ok()) return;
  complaint_ = what_ + ": `" + std::string(name) + "` " + std::string(complaint);
}

Result<> JsonMembers::finish() {
  if (ok() && !others_may_be_ && object_.size() != found_) {
    for (const auto& [name, value] : object_.items()) {
      if (std::find(asked_.begin(), asked_.end(), name) == asked_.end()) complain(name, "is not known here.");
    }
  }
  if (!ok()) return fail(Errc::invalid_argument, complaint_);
  return {};
}

}  // namespace parley::wire
