#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "wire/json_members.h"
#include "wire/limits.h"
#include "wire/names.h"
#include "wire/request.h"

namespace parley::backend {

// A request's parameters, each asked for once by name and type. The first complaint is kept, and finish()
// tells it, as it does of a parameter nobody asked for; what is asked after a complaint gives empty values.
// Holds a reference to the request. Not thread-safe.
class Params {
 public:
  explicit Params(const wire::Request& request);

  // A legal name of a user, room or device.
  std::string name(const char* key);
  std::optional<std::string> optional_name(const char* key);
  // Any text of min to max bytes.
  std::string text(const char* key, std::size_t max_bytes, std::size_t min_bytes = 1);
  std::optional<std::string> optional_text(const char* key, std::size_t max_bytes);
  // A line for people, perhaps empty: no control characters, at most kDisplayNameMax bytes.
  std::optional<std::string> optional_title(const char* key);
  std::optional<bool> optional_flag(const char* key);
  bool flag(const char* key, bool otherwise) { return optional_flag(key).value_or(otherwise); }
  std::optional<std::uint64_t> optional_number(const char* key, std::uint64_t min, std::uint64_t max);
  std::uint32_t limit(std::uint32_t otherwise, std::uint32_t max);
  // reader, member, moderator or owner.
  wire::Role role(const char* key);
  wire::Role role(const char* key, wire::Role otherwise) { return has(key) ? role(key) : otherwise; }
  const wire::Json* object(const char* key);
  const wire::Json* array(const char* key, std::size_t items_max);

  bool has(const char* key) const { return params_.contains(key); }
  void complain(std::string_view key, std::string_view complaint) { members_.complain(key, complaint); }

  // To be called when everything was asked for, before anything is used.
  std::optional<wire::Failure> finish();

 private:
  void check_name(const char* key, const std::string& value);

  const wire::Json& params_;
  wire::JsonMembers members_;
  std::optional<wire::Failure> bad_name_;
};

}  // namespace parley::backend
