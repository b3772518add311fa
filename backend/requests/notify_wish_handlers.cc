#include <array>
#include <string>
#include <utility>

#include "backend/notify/time_zone.h"
#include "backend/requests/handlers.h"
#include "backend/requests/notify_desk.h"
#include "backend/requests/params.h"
#include "backend/requests/room_access.h"

namespace parley::backend {
namespace {

constexpr std::size_t kZoneMax = 64;  // bytes
constexpr std::uint64_t kMuteSecondsMax = 10ull * 366 * 24 * 3600;
constexpr int kMinutesOfHour = 60;

constexpr std::array kLevels{std::pair{NotifyLevel::by_default, "default"},
                             std::pair{NotifyLevel::all, "all"}, std::pair{NotifyLevel::mentions, "mentions"},
                             std::pair{NotifyLevel::none, "none"}};

std::string level_name(NotifyLevel level) {
  for (const auto& [value, name] : kLevels)
    if (value == level) return name;
  return "default";
}
std::optional<NotifyLevel> parse_level(const std::string& text) {
  for (const auto& [value, name] : kLevels)
    if (name == text) return value;
  return std::nullopt;
}

// "HH:MM".
std::optional<std::uint16_t> parse_minute(const std::string& text) {
  const auto digit = [&](std::size_t at) {
    return text[at] >= '0' && text[at] <= '9' ? text[at] - '0' : 100;
  };
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const int hour = digit(0) * 10 + digit(1), minute = digit(3) * 10 + digit(4);
  if (hour > 23 || minute > 59) return std::nullopt;
  return static_cast<std::uint16_t>(hour * kMinutesOfHour + minute);
}
std::string minute_text(std::uint16_t minute) {
  const auto two = [](int n) { return std::string(n < 10 ? "0" : "") + std::to_string(n); };
  return two(minute / kMinutesOfHour) + ":" + two(minute % kMinutesOfHour);
}

std::expected<QuietHours, wire::Failure> read_quiet(const wire::Json& json) {
  wire::JsonMembers members(json, "notify.set: `quiet`");
  const auto minute = [&](const char* key) {
    const auto parsed = parse_minute(members.text(key, kZoneMax));
    if (!parsed) members.complain(key, "must be a time of day, as 07:30.");
    return parsed.value_or(0);
  };
  QuietHours quiet{.from = minute("from"), .to = minute("to")};
  quiet.zone = members.text("zone", kZoneMax, wire::JsonMembers::optional);
  if (members.ok() && json.contains("zone") && !known_zone(quiet.zone))
    members.complain("zone",
                     "is not known here; it must be one of the IANA time zone database, as Europe/Berlin.");
  if (quiet.from == quiet.to)
    members.complain("to", "must differ from `from`; without quiet hours `quiet` is null.");
  if (auto done = members.finish(); !done) return refuse(wire::Code::invalid_argument, done.error().message);
  return quiet;
}

// Whose wishes, with an account.
std::expected<std::string, wire::Failure> find_user(const RequestContext& context,
                                                    const std::optional<std::string>& given) {
  auto user = oneself_or_admin(context, given);
  if (!user || *user == context.user()) return user;
  if (auto account = context.services.stores.users->find(*user); !account)
    return refuse(context, account.error());
  return user;
}

// All that holds for the user wherever they are.
Outcome wishes_of(const RequestContext& context, const std::string& user) {
  auto& push = *context.services.stores.push;
  auto quiet = push.quiet_hours(user);
  if (!quiet) return refuse(context, quiet.error());
  auto blocked = push.blocked(user);
  if (!blocked) return refuse(context, blocked.error());
  wire::Json json{{"blocked", *blocked}};
  if (quiet->from != quiet->to)
    json["quiet"] = {{"from", minute_text(quiet->from)},
                     {"to", minute_text(quiet->to)},
                     {"zone", quiet->zone.empty() ? "UTC" : quiet->zone}};
  return json.dump();
}

void wishes_changed(const RequestContext& context, const std::string& user) {
  if (auto* desk = context.services.options.notify) desk->forget(user);
}

Outcome set_blocked(const RequestContext& context, bool blocked) {
  Params params(context.request);
  const auto whom = params.name("user");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  if (whom == context.user())
    return refuse(wire::Code::invalid_argument, "You are never told of your own messages.");
  auto done = context.services.stores.push->set_blocked(context.user(), whom, blocked);
  if (!done) return refuse(context, done.error());
  wishes_changed(context, context.user());
  return "{}";
}

// What is asked to change about a room; nothing of either: only to be told.
struct RoomWish {
  std::optional<NotifyLevel> level;
  std::optional<WallTime> muted_until;
};

RoomWish read_room_wish(Params& params, WallTime now) {
  RoomWish wish;
  if (const auto text = params.optional_text("level", kZoneMax)) {
    wish.level = parse_level(*text);
    if (!wish.level) params.complain("level", "must be default, all, mentions or none.");
  }
  const auto seconds = params.optional_number("mute_s", 0, kMuteSecondsMax);
  const auto until = params.optional_number("muted_until", 0, static_cast<std::uint64_t>(to_ms(kForever)));
  if (seconds && until) params.complain("mute_s", "can't be given with `muted_until`.");
  if (seconds) wish.muted_until = now + std::chrono::seconds(*seconds);
  if (until) wish.muted_until = from_ms(static_cast<std::int64_t>(*until));
  if (wish.muted_until && *wish.muted_until <= now) wish.muted_until = WallTime{};
  return wish;
}

}  // namespace

Outcome notify_get(const RequestContext& context) {
  Params params(context.request);
  const auto given = params.optional_name("user");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto user = find_user(context, given);
  if (!user) return std::unexpected(user.error());
  return wishes_of(context, *user);
}

Outcome notify_set(const RequestContext& context) {
  auto request = context.request;
  const auto quiet = request.params.contains("quiet") ? request.params["quiet"] : wire::Json::object();
  const bool missing = request.params.erase("quiet") == 0;
  Params params(request);
  const auto given = params.optional_name("user");
  if (missing) params.complain("quiet", "is missing.");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto hours = quiet.is_null() ? QuietHours{} : read_quiet(quiet);
  if (!hours) return std::unexpected(hours.error());
  auto user = find_user(context, given);
  if (!user) return std::unexpected(user.error());
  auto done = context.services.stores.push->set_quiet_hours(*user, *hours);
  if (!done) return refuse(context, done.error());
  wishes_changed(context, *user);
  return wishes_of(context, *user);
}

Outcome notify_room(const RequestContext& context) {
  Params params(context.request);
  const auto name = params.name("room");
  const auto now = context.services.clock.wall();
  const auto wish = read_room_wish(params, now);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto view = find_for_member(context, name);
  if (!view) return std::unexpected(view.error());
  auto& push = *context.services.stores.push;
  auto room = push.room(context.user(), view->room.id);
  if (!room) return refuse(context, room.error());
  if (wish.level || wish.muted_until) {
    room->level = wish.level.value_or(room->level);
    room->muted_until = wish.muted_until.value_or(room->muted_until);
    if (auto done = push.set_room(context.user(), view->room.id, *room); !done)
      return refuse(context, done.error());
    wishes_changed(context, context.user());
  }
  wire::Json json{{"room", view->room.name}, {"level", level_name(room->level)}};
  if (room->muted_until > now) json["muted_until"] = to_ms(room->muted_until);
  return json.dump();
}

Outcome notify_block(const RequestContext& context) {
  return set_blocked(context, true);
}

Outcome notify_unblock(const RequestContext& context) {
  return set_blocked(context, false);
}

}  // namespace parley::backend
