#pragma once
#include <cstddef>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "backend/notify/notification.h"

namespace parley::backend {

// "message", "updated", "withdrawn", "digest".
std::string_view kind_name(Notification::Kind kind);

// What webhook, mqtt, stdout and webpush tell of a notification (topics.md, "Notifications: what arrives"): members that are empty,
// false or 0 are left out, but for id and kind. Times are milliseconds since 1970.
nlohmann::json notification_json(const Notification& notification);
// The same as text, without line breaks.
std::string notification_text(const Notification& notification);

// What `encode` makes of the notification, with its text cut as far as it must be to stay within `bytes_max`, an ellipsis in
// its place. Longer only when that does not help.
std::string encode_within(const Notification& notification, std::size_t bytes_max,
                          const std::function<std::string(const Notification&)>& encode);

// JSON as text; what is not UTF-8 is replaced.
std::string dump(const nlohmann::json& json);

// What a screen shows of it: nothing of a content policy that says nothing.
struct Shown {
  std::string title, body;
};
Shown shown(const Notification& notification);
// Whether only that there is something may be told (ContentPolicy::wake), so that there is nothing to show.
bool only_wakes(const Notification& notification);

}  // namespace parley::backend
