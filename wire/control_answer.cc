#include <algorithm>

#include "wire/control.h"
#include "wire/json_members.h"
#include "wire/limits.h"

// What the plugin says to the backend: the result of attach, and events.
namespace parley::wire {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kDepthMax = 4;
constexpr std::size_t kIdMax = 64;
constexpr std::size_t kAddressMax = 64;  // an IPv6 address with its zone
constexpr std::size_t kWordMax = 32;     // bytes of an event's name or a way of authentication
constexpr std::size_t kReasonMax = 4096;
constexpr std::uint64_t kOffsetMax = (std::uint64_t{1} << 63) - 1;
constexpr std::uint64_t kProtocolMax = 5;

// Which members an event must have; the others it may not have.
struct Shape {
  std::string_view event;
  bool user, device, connection, at;
};
constexpr Shape kShapes[] = {
    {"connected", true, true, true, true},
    {"disconnected", true, true, false, true},
    {"user.new", true, false, false, false},
    {"draining", false, false, false, false},
    {"drain.ended", false, false, false, false},
    {"reset", false, false, false, false},
};

std::string name_member(JsonMembers& members, const char* name) {
  std::string value = members.text(name, kNameMax);
  if (!valid_name(value)) members.complain(name, "is not a legal name.");
  return value;
}

}  // namespace

nlohmann::json to_json(const AttachOk& ok) {
  return {{"generation", ok.generation}, {"journal", ok.journal},
          {"start", ok.start},           {"end", ok.end},
          {"directory", ok.directory},   {"directory_version", ok.directory_version},
          {"renewed", ok.renewed},       {"lost_from", ok.lost_from},
          {"lost_to", ok.lost_to},       {"reason", ok.reason},
          {"version", ok.version},       {"release", ok.release}};
}

Result<AttachOk> attach_ok_from_json(const nlohmann::json& json) {
  JsonMembers members(json, "answer to attach");
  AttachOk ok;
  ok.generation = members.number("generation", kOffsetMax, JsonMembers::required, 1);
  ok.journal = members.text("journal", kIdMax);
  ok.start = members.number("start", kOffsetMax);
  ok.end = members.number("end", kOffsetMax);
  ok.directory = members.text("directory", kIdMax);
  ok.directory_version = members.number("directory_version", kOffsetMax);
  ok.renewed = members.flag("renewed", JsonMembers::required);
  ok.lost_from = members.number("lost_from", kOffsetMax);
  ok.lost_to = members.number("lost_to", kOffsetMax);
  ok.reason = members.text("reason", kReasonMax);
  ok.version = static_cast<int>(
      members.number("version", kControlVersion, JsonMembers::required, kControlVersionOldest));
  ok.release = members.text("release", kReleaseMax);
  members.let_others_be();
  if (ok.end < ok.start) members.complain("end", "is before `start`.");
  if (ok.lost_to < ok.lost_from) members.complain("lost_to", "is before `lost_from`.");
  if (auto finished = members.finish(); !finished) return std::unexpected(std::move(finished.error()));
  return ok;
}

std::string format_event(const Event& e) {
  Json json{{"event", e.event}};
  if (!e.user.empty()) json["user"] = e.user;
  if (!e.device.empty()) json["device"] = e.device;
  if (!e.address.empty()) json["address"] = e.address;
  if (!e.auth.empty()) json["auth"] = e.auth;
  if (!e.token.empty()) json["token"] = e.token;
  if (e.session != 0) json["session"] = e.session;
  if (e.protocol != 0) json["protocol"] = e.protocol;
  if (e.at != 0) json["at"] = e.at;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Event> parse_event(std::string_view text) {
  if (text.size() > kControlMax) return fail(Errc::invalid_argument, "The event is too large.");
  if (nested_deeper_than(text, kDepthMax))
    return fail(Errc::invalid_argument, "The event is nested too deep.");
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return fail(Errc::invalid_argument, "The event is not JSON in UTF-8.");

  JsonMembers members(json, "event");
  Event e;
  e.event = members.text("event", kWordMax);
  const Shape* shape = std::find_if(std::begin(kShapes), std::end(kShapes),
                                    [&](const Shape& s) { return s.event == e.event; });
  if (shape == std::end(kShapes)) {
    members.complain("event", "is no event of this version.");
  } else {
    if (shape->user) e.user = name_member(members, "user");
    if (shape->device) e.device = name_member(members, "device");
    if (shape->connection) {
      e.address = members.text("address", kAddressMax, JsonMembers::optional);
      e.auth = members.text("auth", kWordMax);
      if (e.auth.empty()) members.complain("auth", "is empty.");
      e.token = members.text("token", kIdMax, JsonMembers::optional);
      e.protocol = static_cast<int>(members.number("protocol", kProtocolMax, JsonMembers::required, 3));
    }
    if (shape->device) e.session = members.number("session", kJsonIntegerMax, JsonMembers::required, 1);
    if (shape->at)
      e.at = static_cast<std::int64_t>(members.number("at", kJsonIntegerMax, JsonMembers::required, 1));
  }
  if (auto finished = members.finish(); !finished) return std::unexpected(std::move(finished.error()));
  return e;
}

}  // namespace parley::wire
