#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace parley::wire {

// A top-level member of an object as it is written.
struct JsonSlice {
  std::string_view name;  // between its quotes, escapes as they are
  std::string_view value;
};
// `json` must be a JSON object that was parsed before: what is none gives something, not a crash.
std::vector<JsonSlice> slice_object(std::string_view json);

}  // namespace parley::wire
