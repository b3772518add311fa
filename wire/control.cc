#include "wire/control.h"

#include <algorithm>

#include "wire/erasure.h"
#include "wire/json_members.h"
#include "wire/limits.h"

namespace parley::wire {
namespace {

using Json = nlohmann::json;

// A command is an object holding an array of entries, each an object holding its content.
constexpr std::size_t kDepthMax = kContentDepthMax + 3;
constexpr std::size_t kIdMax = 64;    // bytes of a journal's or a Directory's id
constexpr std::size_t kWordMax = 32;  // bytes of a command's or a role's name
constexpr std::uint64_t kOffsetMax = (std::uint64_t{1} << 63) - 1;
constexpr std::uint32_t kPartMax = 1'000'000;
constexpr std::uint64_t kVersionMax = 1'000'000;

bool has_controls(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

// Types go into envelopes unescaped.
bool is_type(std::string_view type) {
  return !type.empty() && std::all_of(type.begin(), type.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

// --- entries ---

std::string content_member(JsonMembers& members) {
  const Json* content = members.object("content");
  if (content == nullptr) return {};
  std::string text = content->dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > kContentJsonMax) members.complain("content", "is larger than content may ever be.");
  if (nested_deeper_than(text, kContentDepthMax)) members.complain("content", "is nested too deep.");
  return text;
}

Result<AppendEntry> entry_from_json(const Json& json) {
  JsonMembers members(json, "entry");
  AppendEntry entry;
  entry.room = members.number("room", kJsonIntegerMax, JsonMembers::required, 1);
  entry.from = members.text("from", kNameMax);
  entry.role = members.text("role", kWordMax, JsonMembers::optional);
  entry.type = members.text("type", kTypeMax);
  entry.ref = members.text("ref", kRefMax);
  entry.content = content_member(members);
  entry.sent_at =
      static_cast<std::int64_t>(members.number("sent_at", kJsonIntegerMax, JsonMembers::optional));
  entry.imported = members.flag("imported");
  if (!valid_name(entry.from) && !is_pseudonym(entry.from) && entry.from != kBackendUser)
    members.complain("from", "is not a legal name.");
  if (!entry.role.empty() && parse_role(entry.role) == Role::none) members.complain("role", "is not a role.");
  if (!is_type(entry.type)) members.complain("type", "must have 1-64 characters a-z 0-9 . _ -.");
  if (entry.ref.empty() || has_controls(entry.ref))
    members.complain("ref", "must be 1-128 bytes without controls.");
  if (auto finished = members.finish(); !finished) return std::unexpected(std::move(finished.error()));
  return entry;
}

Json entry_to_json(const AppendEntry& entry) {
  Json json{{"room", entry.room},
            {"from", entry.from},
            {"type", entry.type},
            {"ref", entry.ref},
            {"content", Json::parse(entry.content, nullptr, false)}};
  if (json["content"].is_discarded()) json["content"] = nullptr;
  if (!entry.role.empty()) json["role"] = entry.role;
  if (entry.sent_at != 0) json["sent_at"] = entry.sent_at;
  if (entry.imported) json["imported"] = true;
  return json;
}

// --- lists of changes and entries ---

template <class T>
std::vector<T> items(JsonMembers& members, const char* name, std::size_t items_max,
                     JsonMembers::Presence presence, Result<T> (*read)(const Json&)) {
  std::vector<T> out;
  const Json* array = members.array(name, items_max, presence);
  if (array == nullptr) return out;
  out.reserve(array->size());
  for (const Json& item : *array) {
    Result<T> value = read(item);
    if (!value) {
      members.complain(name, "item " + std::to_string(out.size()) + ": " + value.error().message);
      return {};
    }
    out.push_back(std::move(*value));
  }
  return out;
}

std::vector<DirectoryChange> changes_member(JsonMembers& members) {
  return items<DirectoryChange>(members, "changes", kControlMax, JsonMembers::required, change_from_json);
}

std::vector<AppendEntry> entries_member(JsonMembers& members, JsonMembers::Presence presence) {
  return items<AppendEntry>(members, "entries", kAppendMax, presence, entry_from_json);
}

Json changes_to_json(const std::vector<DirectoryChange>& changes) {
  Json array = Json::array();
  for (const DirectoryChange& change : changes) array.push_back(change_to_json(change));
  return array;
}

Json entries_to_json(const std::vector<AppendEntry>& entries) {
  Json array = Json::array();
  for (const AppendEntry& entry : entries) array.push_back(entry_to_json(entry));
  return array;
}

// --- a command's own members, read ---

std::string legal_name(JsonMembers& members, const char* name, JsonMembers::Presence presence) {
  std::string value = members.text(name, kNameMax, presence);
  if (!value.empty() || presence == JsonMembers::required) {
    if (!valid_name(value)) members.complain(name, "is not a legal name.");
  }
  return value;
}

Attach read_attach(JsonMembers& members) {
  Attach attach;
  attach.speaks.newest = static_cast<int>(members.number("version", kVersionMax, JsonMembers::required, 1));
  const auto oldest = members.number("oldest", kVersionMax, JsonMembers::optional, 1);
  attach.speaks.oldest = oldest == 0 ? attach.speaks.newest : static_cast<int>(oldest);
  attach.speaks.release = members.text("release", kReleaseMax, JsonMembers::optional);
  if (attach.speaks.oldest > attach.speaks.newest) members.complain("oldest", "is above `version`.");
  members.let_others_be();
  if (members.ok() && !common_version(Speaks{}, attach.speaks)) return attach;
  const Json* store = members.object("store");
  if (store == nullptr) return attach;
  JsonMembers inner(*store, "store");
  attach.journal = inner.text("journal", kIdMax);
  attach.directory = inner.text("directory", kIdMax);
  attach.directory_version = inner.number("directory_version", kOffsetMax);
  attach.offset = inner.number("offset", kOffsetMax);
  inner.let_others_be();
  if (auto finished = inner.finish(); !finished) members.complain("store", finished.error().message);
  return attach;
}

DirectoryApply read_apply(JsonMembers& members) {
  DirectoryApply apply;
  apply.from = members.number("from", kOffsetMax);
  apply.to = members.number("to", kOffsetMax);
  if (apply.to < apply.from) members.complain("to", "is below `from`.");
  apply.changes = changes_member(members);
  apply.entries = entries_member(members, JsonMembers::optional);
  return apply;
}

DirectoryReplace read_replace(JsonMembers& members) {
  DirectoryReplace replace;
  replace.directory = members.text("directory", kIdMax);
  replace.to = members.number("to", kOffsetMax);
  replace.part = static_cast<std::uint32_t>(members.number("part", kPartMax));
  replace.last = members.flag("last", JsonMembers::required);
  replace.changes = changes_member(members);
  return replace;
}

Kick read_kick(JsonMembers& members) {
  Kick kick;
  kick.user = legal_name(members, "user", JsonMembers::required);
  kick.device = legal_name(members, "device", JsonMembers::optional);
  kick.forget = members.flag("forget");
  return kick;
}

Sessions read_sessions(JsonMembers& members) {
  Sessions sessions;
  sessions.user = legal_name(members, "user", JsonMembers::optional);
  sessions.after = legal_name(members, "after", JsonMembers::optional);
  sessions.limit =
      static_cast<std::uint32_t>(members.number("limit", kListLimitMax, JsonMembers::required, 1));
  return sessions;
}

// What all commands about a ban begin with; the target has to stand there in its one spelling.
void read_target(JsonMembers& members, BanKind& kind, std::string& target) {
  const auto given = parse_ban_kind(members.text("kind", kWordMax));
  target = members.text("target", kBanIdMax);
  if (!given) return members.complain("kind", "is none.");
  kind = *given;
  if (canonical_target(kind, target) != target)
    members.complain("target", "is none, or not in its one spelling.");
}

BanAdd read_ban_add(JsonMembers& members) {
  BanAdd ban;
  read_target(members, ban.kind, ban.target);
  ban.reason = members.text("reason", kBanReasonMax, JsonMembers::optional);
  if (!valid_ban_reason(ban.reason)) members.complain("reason", "holds control characters.");
  ban.by = legal_name(members, "by", JsonMembers::required);
  ban.for_s = members.number("for_s", kBanSecondsMax, JsonMembers::optional);
  return ban;
}

BanRemove read_ban_remove(JsonMembers& members) {
  BanRemove ban;
  read_target(members, ban.kind, ban.target);
  return ban;
}

BanList read_ban_list(JsonMembers& members) {
  BanList list;
  list.after = members.text("after", kBanIdMax, JsonMembers::optional);
  if (!list.after.empty() && !parse_ban_id(list.after)) members.complain("after", "is no ban's id.");
  list.limit = static_cast<std::uint32_t>(members.number("limit", kBanListMax, JsonMembers::required, 1));
  return list;
}

Drain read_drain(JsonMembers& members) {
  Drain drain;
  drain.on = members.flag("on", JsonMembers::required);
  drain.over_s =
      static_cast<std::uint32_t>(members.number("over_s", kDrainSecondsMax, JsonMembers::optional));
  drain.server = members.text("server", kDrainServerMax, JsonMembers::optional);
  drain.stop = members.flag("stop");
  if (has_controls(drain.server)) members.complain("server", "has control characters.");
  return drain;
}

JwtRevoke read_jwt_revoke(JsonMembers& members) {
  JwtRevoke revoke;
  revoke.jti = members.text("jti", kJwtIdMax, JsonMembers::optional);
  revoke.user = legal_name(members, "user", JsonMembers::optional);
  revoke.before = static_cast<std::int64_t>(members.number("before", kJsonIntegerMax, JsonMembers::optional));
  revoke.until = static_cast<std::int64_t>(members.number("until", kJsonIntegerMax));
  if (revoke.jti.empty() == revoke.user.empty())
    members.complain("jti", "or `user` must be given, one of the two.");
  return revoke;
}

JwtRevoked read_jwt_revoked(JsonMembers& members) {
  JwtRevoked query;
  query.after = members.text("after", kJwtIdMax + 8, JsonMembers::optional);
  query.limit = static_cast<std::uint32_t>(members.number("limit", kListLimitMax, JsonMembers::required, 1));
  return query;
}

decltype(Command::body) read_body(const std::string& cmd, JsonMembers& members) {
  if (cmd == "attach") return read_attach(members);
  if (cmd == "directory.apply") return read_apply(members);
  if (cmd == "directory.replace") return read_replace(members);
  if (cmd == "feed.start") return FeedStart{members.number("offset", kOffsetMax)};
  if (cmd == "feed.ack") return FeedAck{members.number("offset", kOffsetMax)};
  if (cmd == "append") return Append{entries_member(members, JsonMembers::required)};
  if (cmd == "kick") return read_kick(members);
  if (cmd == "sessions") return read_sessions(members);
  if (cmd == "ban.add") return read_ban_add(members);
  if (cmd == "ban.remove") return read_ban_remove(members);
  if (cmd == "ban.list") return read_ban_list(members);
  if (cmd == "drain") return read_drain(members);
  if (cmd == "jwt.revoke") return read_jwt_revoke(members);
  if (cmd == "jwt.revoked") return read_jwt_revoked(members);
  if (cmd == "stats") return Stats{};
  members.complain("cmd", "is no command of this version.");
  return Stats{};
}

// --- and written ---

struct BodyToJson {
  Json operator()(const Attach& c) const {
    return {{"cmd", "attach"},
            {"version", c.speaks.newest},
            {"oldest", c.speaks.oldest},
            {"release", c.speaks.release},
            {"store",
             {{"journal", c.journal},
              {"directory", c.directory},
              {"directory_version", c.directory_version},
              {"offset", c.offset}}}};
  }
  Json operator()(const DirectoryApply& c) const {
    Json json{
        {"cmd", "directory.apply"}, {"from", c.from}, {"to", c.to}, {"changes", changes_to_json(c.changes)}};
    if (!c.entries.empty()) json["entries"] = entries_to_json(c.entries);
    return json;
  }
  Json operator()(const DirectoryReplace& c) const {
    return {{"cmd", "directory.replace"},
            {"directory", c.directory},
            {"to", c.to},
            {"part", c.part},
            {"last", c.last},
            {"changes", changes_to_json(c.changes)}};
  }
  Json operator()(const FeedStart& c) const { return {{"cmd", "feed.start"}, {"offset", c.offset}}; }
  Json operator()(const FeedAck& c) const { return {{"cmd", "feed.ack"}, {"offset", c.offset}}; }
  Json operator()(const Append& c) const {
    return {{"cmd", "append"}, {"entries", entries_to_json(c.entries)}};
  }
  Json operator()(const Kick& c) const {
    Json json{{"cmd", "kick"}, {"user", c.user}};
    if (!c.device.empty()) json["device"] = c.device;
    if (c.forget) json["forget"] = true;
    return json;
  }
  Json operator()(const Sessions& c) const {
    Json json{{"cmd", "sessions"}, {"limit", c.limit}};
    if (!c.user.empty()) json["user"] = c.user;
    if (!c.after.empty()) json["after"] = c.after;
    return json;
  }
  Json operator()(const BanAdd& c) const {
    Json json{{"cmd", "ban.add"}, {"kind", ban_kind_name(c.kind)}, {"target", c.target}, {"by", c.by}};
    if (!c.reason.empty()) json["reason"] = c.reason;
    if (c.for_s != 0) json["for_s"] = c.for_s;
    return json;
  }
  Json operator()(const BanRemove& c) const {
    return {{"cmd", "ban.remove"}, {"kind", ban_kind_name(c.kind)}, {"target", c.target}};
  }
  Json operator()(const BanList& c) const {
    Json json{{"cmd", "ban.list"}, {"limit", c.limit}};
    if (!c.after.empty()) json["after"] = c.after;
    return json;
  }
  Json operator()(const Drain& c) const {
    Json json{{"cmd", "drain"}, {"on", c.on}, {"over_s", c.over_s}};
    if (!c.server.empty()) json["server"] = c.server;
    if (c.stop) json["stop"] = true;
    return json;
  }
  Json operator()(const JwtRevoke& c) const {
    Json json{{"cmd", "jwt.revoke"}, {"until", c.until}};
    if (!c.jti.empty()) json["jti"] = c.jti;
    if (!c.user.empty()) json["user"] = c.user;
    if (c.before != 0) json["before"] = c.before;
    return json;
  }
  Json operator()(const JwtRevoked& c) const {
    Json json{{"cmd", "jwt.revoked"}, {"limit", c.limit}};
    if (!c.after.empty()) json["after"] = c.after;
    return json;
  }
  Json operator()(const Stats&) const { return Json{{"cmd", "stats"}}; }
};

}  // namespace

std::string format_command(const Command& command) {
  Json json = std::visit(BodyToJson{}, command.body);
  if (!command.id.empty()) json["id"] = command.id;
  if (command.generation != 0) json["gen"] = command.generation;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Command> parse_command(std::string_view text) {
  if (text.size() > kControlMax) return fail(Errc::invalid_argument, "The command is too large.");
  if (nested_deeper_than(text, kDepthMax))
    return fail(Errc::invalid_argument, "The command is nested too deep.");
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return fail(Errc::invalid_argument, "The command is not JSON in UTF-8.");

  JsonMembers members(json, "command");
  const std::string cmd = members.text("cmd", kWordMax);
  const bool answered = cmd != "feed.ack";
  Command command;
  command.id = members.text("id", kRequestIdMax, answered ? JsonMembers::required : JsonMembers::optional);
  if (answered && command.id.empty()) members.complain("id", "is empty.");
  command.generation = cmd == "attach" ? 0 : members.number("gen", kOffsetMax, JsonMembers::required, 1);
  command.body = read_body(cmd, members);
  if (auto finished = members.finish(); !finished) return std::unexpected(std::move(finished.error()));
  return command;
}

}  // namespace parley::wire
