#include "backend/notify/providers/notification_json.h"

#include <nlohmann/json.hpp>

#include "base/text_cut.h"

namespace parley::backend {
namespace {

using Json = nlohmann::json;

void put(Json& json, const char* name, const std::string& value) {
  if (!value.empty()) json[name] = value;
}
void put(Json& json, const char* name, std::uint64_t value) {
  if (value != 0) json[name] = value;
}
void put(Json& json, const char* name, bool value) {
  if (value) json[name] = true;
}
void put(Json& json, const char* name, WallTime value) {
  if (to_ms(value) != 0) json[name] = to_ms(value);
}

Json line_json(const Notification::Line& line) {
  Json json = Json::object();
  put(json, "room", line.room);
  put(json, "from", line.from);
  put(json, "text", line.text);
  put(json, "count", line.count);
  return json;
}

constexpr std::string_view kEllipsis = "…";

}  // namespace

std::string_view kind_name(Notification::Kind kind) {
  switch (kind) {
    case Notification::Kind::message:
      return "message";
    case Notification::Kind::updated:
      return "updated";
    case Notification::Kind::withdrawn:
      return "withdrawn";
    case Notification::Kind::digest:
      return "digest";
  }
  return "message";
}

Json notification_json(const Notification& notification) {
  Json json{{"id", notification.id}, {"kind", kind_name(notification.kind)}};
  put(json, "collapse", notification.collapse);
  put(json, "user", notification.user);
  put(json, "room", notification.room);
  put(json, "room_title", notification.room_title);
  put(json, "from", notification.from);
  put(json, "text", notification.text);
  put(json, "type", notification.type);
  put(json, "seq", notification.seq);
  put(json, "direct", notification.direct);
  put(json, "mention", notification.mention);
  put(json, "count", notification.count);
  put(json, "badge", notification.badge);
  put(json, "at", notification.at);
  put(json, "expires", notification.expires);
  for (const auto& line : notification.lines) json["lines"].push_back(line_json(line));
  return json;
}

std::string notification_text(const Notification& notification) {
  return dump(notification_json(notification));
}

std::string encode_within(const Notification& notification, std::size_t bytes_max,
                          const std::function<std::string(const Notification&)>& encode) {
  auto encoded = encode(notification);
  if (encoded.size() <= bytes_max || notification.text.empty()) return encoded;
  auto shorter = notification;
  // A byte of the text is one of what is made of it at least.
  const auto over = encoded.size() - bytes_max + kEllipsis.size();
  const auto& text = notification.text;
  shorter.text = text.size() > over ? std::string(cut_text(text, text.size() - over)) : std::string();
  shorter.text += kEllipsis;
  return encode(shorter);
}

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool only_wakes(const Notification& notification) {
  return notification.from.empty() && notification.room.empty() && notification.text.empty();
}

Shown shown(const Notification& notification) {
  if (only_wakes(notification)) return {};
  const auto& room = notification.room_title.empty() ? notification.room : notification.room_title;
  const bool of_room = !notification.direct && !room.empty();
  const auto what = !notification.text.empty() ? notification.text
                    : notification.count > 1   ? std::to_string(notification.count) + " new messages"
                                               : std::string("New message");
  if (!of_room) return {.title = notification.from.empty() ? room : notification.from, .body = what};
  return {.title = room, .body = notification.from.empty() ? what : notification.from + ": " + what};
}

}  // namespace parley::backend
