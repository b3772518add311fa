#include "wire/json_slices.h"

#include <algorithm>

#include "wire/json_scan.h"

namespace parley::wire {
namespace {

// Behind the string that begins at `at`.
std::size_t end_of_string(std::string_view json, std::size_t at) {
  for (++at; at < json.size(); ++at) {
    if (json[at] == '\\')
      ++at;
    else if (json[at] == '"')
      return at + 1;
  }
  return json.size();
}

// The next `wanted` outside of strings and of anything nested, or the end.
std::size_t find_outside(std::string_view json, std::size_t at, char wanted) {
  int depth = 0;
  while (at < json.size()) {
    const char c = json[at];
    if (depth == 0 && c == wanted) return at;
    if (c == '"') {
      at = end_of_string(json, at);
      continue;
    }
    depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
    ++at;
  }
  return json.size();
}

}  // namespace

std::vector<JsonSlice> slice_object(std::string_view json) {
  std::vector<JsonSlice> slices;
  json = trim_json(json);
  if (json.size() < 2) return slices;
  json = json.substr(1, json.size() - 2);
  while (!trim_json(json).empty()) {
    const auto colon = find_outside(json, 0, ':');
    const auto comma = find_outside(json, std::min(colon + 1, json.size()), ',');
    auto name = trim_json(json.substr(0, colon));
    if (name.size() < 2 || colon >= json.size()) break;
    slices.push_back({name.substr(1, name.size() - 2), trim_json(json.substr(colon + 1, comma - colon - 1))});
    json.remove_prefix(std::min(comma + 1, json.size()));
  }
  return slices;
}

}  // namespace parley::wire
