#include "backend/requests/params.h"

#include <algorithm>

namespace parley::backend {
namespace {

bool is_control(char c) {
  auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

}  // namespace

Params::Params(const wire::Request& request)
    : params_(request.params), members_(request.params, request.method) {}

// Names that are strings at all but not legal have a code of their own.
void Params::check_name(const char* key, const std::string& value) {
  if (!members_.ok() || wire::valid_name(value) || bad_name_) return;
  bad_name_ = wire::Failure{
      wire::Code::invalid_name,
      "`" + std::string(key) + "`: " + std::string(wire::code_sentence(wire::Code::invalid_name))};
}

std::string Params::name(const char* key) {
  auto value = members_.text(key, wire::kRequestMax);
  check_name(key, value);
  return value;
}

std::optional<std::string> Params::optional_name(const char* key) {
  if (!has(key)) return std::nullopt;
  return name(key);
}

std::string Params::text(const char* key, std::size_t max_bytes, std::size_t min_bytes) {
  auto value = members_.text(key, max_bytes);
  if (members_.ok() && value.size() < min_bytes) {
    complain(key, "must have at least " + std::to_string(min_bytes) + " bytes.");
  }
  return value;
}

std::optional<std::string> Params::optional_text(const char* key, std::size_t max_bytes) {
  if (!has(key)) return std::nullopt;
  return text(key, max_bytes, 0);
}

std::optional<std::string> Params::optional_title(const char* key) {
  auto value = optional_text(key, wire::kDisplayNameMax);
  if (value && std::ranges::any_of(*value, is_control)) complain(key, "must not hold control characters.");
  return value;
}

std::optional<bool> Params::optional_flag(const char* key) {
  if (!has(key)) return std::nullopt;
  return members_.flag(key);
}

std::optional<std::uint64_t> Params::optional_number(const char* key, std::uint64_t min, std::uint64_t max) {
  if (!has(key)) return std::nullopt;
  return members_.number(key, max, wire::JsonMembers::required, min);
}

std::uint32_t Params::limit(std::uint32_t otherwise, std::uint32_t max) {
  return static_cast<std::uint32_t>(optional_number("limit", 1, max).value_or(otherwise));
}

wire::Role Params::role(const char* key) {
  auto role = wire::parse_role(members_.text(key, wire::kNameMax));
  if (members_.ok() && role == wire::Role::none) complain(key, "must be reader, member, moderator or owner.");
  return role;
}

const wire::Json* Params::object(const char* key) {
  return members_.object(key, wire::JsonMembers::optional);
}

const wire::Json* Params::array(const char* key, std::size_t items_max) {
  return members_.array(key, items_max);
}

std::optional<wire::Failure> Params::finish() {
  if (auto done = members_.finish(); !done) {
    return wire::Failure{wire::Code::invalid_argument, done.error().message};
  }
  return bad_name_;
}

}  // namespace parley::backend
