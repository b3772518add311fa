#include "backend/store/directory_step_json.h"

#include <nlohmann/json.hpp>

namespace parley::backend {
namespace {

using Json = nlohmann::json;

Error not_what_was_written() {
  return {Errc::corrupt, "A step of the Directory log is not what was written."};
}

Result<Json> parse_array(std::string_view text) {
  auto json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_array()) return std::unexpected(not_what_was_written());
  return json;
}

// Imported entries come by `append` and never through the log: their members have no place here.
Json entry_to_json(const wire::AppendEntry& entry) {
  return {{"room", entry.room}, {"from", entry.from}, {"role", entry.role},
          {"type", entry.type}, {"ref", entry.ref},   {"content", entry.content}};
}

wire::AppendEntry entry_from_json(const Json& json) {
  wire::AppendEntry entry;
  json.at("room").get_to(entry.room);
  json.at("from").get_to(entry.from);
  json.at("role").get_to(entry.role);
  json.at("type").get_to(entry.type);
  json.at("ref").get_to(entry.ref);
  json.at("content").get_to(entry.content);
  return entry;
}

}  // namespace

std::string changes_to_text(const std::vector<wire::DirectoryChange>& changes) {
  auto json = Json::array();
  for (const auto& change : changes) json.push_back(wire::change_to_json(change));
  return json.dump();
}

Result<std::vector<wire::DirectoryChange>> changes_from_text(std::string_view text) {
  auto json = parse_array(text);
  if (!json) return std::unexpected(json.error());
  std::vector<wire::DirectoryChange> changes;
  for (const auto& item : *json) {
    auto change = wire::change_from_json(item);
    if (!change) return std::unexpected(not_what_was_written());
    changes.push_back(std::move(*change));
  }
  return changes;
}

std::string entries_to_text(const std::vector<wire::AppendEntry>& entries) {
  auto json = Json::array();
  for (const auto& entry : entries) json.push_back(entry_to_json(entry));
  return json.dump();
}

Result<std::vector<wire::AppendEntry>> entries_from_text(std::string_view text) {
  auto json = parse_array(text);
  if (!json) return std::unexpected(json.error());
  try {
    std::vector<wire::AppendEntry> entries;
    for (const auto& item : *json) entries.push_back(entry_from_json(item));
    return entries;
  } catch (const Json::exception&) {
    return std::unexpected(not_what_was_written());
  }
}

}  // namespace parley::backend
