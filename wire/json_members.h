#pragma once
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace parley::wire {

// The largest integer every JSON reader keeps exact (RFC 8259 §6).
inline constexpr std::uint64_t kJsonIntegerMax = (std::uint64_t{1} << 53) - 1;

// True when `json` opens more than `levels` arrays and objects inside each other. Made for text not parsed
// yet: nlohmann's parser takes any depth, but copying and dumping what it made recurse. Nothing is said about
// the text being JSON.
bool nested_deeper_than(std::string_view json, std::size_t levels);

// Takes the members of one JSON object apart, each asked for once, and keeps the first complaint: what is
// asked after it gets empty values. finish() tells it, or that a member was there which nobody asked for. Not
// thread-safe; never throws. Holds references: `object` must live longer. `what` opens each complaint:
// "attach: `offset` is missing."
class JsonMembers {
 public:
  JsonMembers(const nlohmann::json& object, std::string_view what);

  // A member that is absent and `optional` gives "" / 0 / false. Bytes are counted; numbers are integers from
  // min to max.
  enum Presence { required, optional };
  std::string text(const char* name, std::size_t max_bytes, Presence presence = required);
  std::uint64_t number(const char* name, std::uint64_t max, Presence presence = required,
                       std::uint64_t min = 0);
  bool flag(const char* name, Presence presence = optional);
  // nullptr when it isn't there or of that kind.
  const nlohmann::json* array(const char* name,
                              std::size_t items_max = std::numeric_limits<std::size_t>::max(),
                              Presence presence = required);
  const nlohmann::json* object(const char* name, Presence presence = required);

  // Members nobody asks for are no complaint: another release may know them.
  void let_others_be() { others_may_be_ = true; }
  // A complaint of the caller's own: "`name` " + complaint.
  void complain(std::string_view name, std::string_view complaint);
  bool ok() const { return complaint_.empty(); }
  Result<> finish();

 private:
  const nlohmann::json* find(const char* name, Presence presence);

  const nlohmann::json& object_;
  std::string what_;
  std::string complaint_;
  std::vector<std::string_view> asked_;
  std::size_t found_ = 0;
  bool others_may_be_ = false;
};

}  // namespace parley::wire
