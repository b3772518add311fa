#include "backend/marks/join_marks.h"

#include <nlohmann/json.hpp>
#include <optional>

namespace parley::backend {
namespace {

// Who came into the room with this entry of the backend's own.
std::optional<std::string> joined_by(const wire::Record& record) {
  if (record.type != "member" || (record.flags & wire::kRecordAppended) == 0) return std::nullopt;
  const auto envelope = nlohmann::json::parse(record.envelope, nullptr, /*allow_exceptions=*/false);
  const auto content = envelope.is_object() ? envelope.find("content") : envelope.end();
  if (!envelope.is_object() || content == envelope.end() || !content->is_object()) return std::nullopt;
  const auto action = content->find("action"), user = content->find("user");
  if (action == content->end() || user == content->end() || !user->is_string()) return std::nullopt;
  if (*action != "joined" && *action != "added") return std::nullopt;
  return user->get<std::string>();
}

}  // namespace

Result<> raise_marks_of_joins(MarkStore& marks, std::span<const wire::Record> records) {
  std::vector<MarkRaise> raises;
  for (const auto& record : records)
    if (auto user = joined_by(record))
      raises.push_back({.room_id = record.room_id,
                        .user = *std::move(user),
                        .to = {.received = record.seq, .read = record.seq}});
  if (raises.empty()) return {};
  if (auto raised = marks.raise(raises); !raised) return std::unexpected(raised.error());
  return {};
}

}  // namespace parley::backend
