#include "wire/directory_change.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/crypto.h"
#include "base/encoding.h"
#include "wire/bytes.h"
#include "wire/json_members.h"
#include "wire/limits.h"

namespace parley::wire {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kTokenIdChars = 26;
constexpr std::size_t kScramMax = 512;  // bytes of a verifier's text
constexpr std::size_t kEpochMax = 32;   // characters
constexpr std::size_t kSaltChars = 32;
constexpr std::size_t kDigestChars = 64;
constexpr std::size_t kLongestWord = 16;  // of a role or a kind

bool is_alphanumeric(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  });
}

// --- JSON ---

std::string name_member(JsonMembers& members, const char* member) {
  std::string name = members.text(member, kNameMax);
  if (members.ok() && !valid_name(name)) members.complain(member, "is not a legal name.");
  return name;
}

std::uint64_t room_id_member(JsonMembers& members, const char* member) {
  return members.number(member, kJsonIntegerMax, JsonMembers::required, 1);
}

std::string token_id_member(JsonMembers& members) {
  std::string id = members.text("id", kTokenIdChars);
  if (members.ok() && (id.size() != kTokenIdChars || !is_alphanumeric(id))) {
    members.complain("id", "must have 26 letters and digits.");
  }
  return id;
}

UserPut user_put(JsonMembers& members) {
  UserPut user;
  user.name = name_member(members, "name");
  user.admin = members.flag("admin");
  user.disabled = members.flag("disabled");
  user.scram = members.text("scram", kScramMax, JsonMembers::optional);
  return user;
}

TokenPut token_put(JsonMembers& members) {
  TokenPut token;
  token.id = token_id_member(members);
  token.user = name_member(members, "user");
  const auto digest = hex_decode(members.text("sha256", 2 * Sha256{}.size()));
  if (members.ok() && (!digest || digest->size() != Sha256{}.size())) {
    members.complain("sha256", "must be 64 hexadecimal digits.");
  }
  token.sha256 = digest.value_or("");
  token.expires_ms =
      static_cast<std::int64_t>(members.number("expires_ms", kJsonIntegerMax, JsonMembers::optional));
  return token;
}

RoomPut room_put(JsonMembers& members) {
  RoomPut room;
  room.id = room_id_member(members, "id");
  room.name = name_member(members, "name");
  const std::string kind = members.text("kind", kLongestWord);
  if (members.ok() && !parse_kind(kind, room.kind))
    members.complain("kind", "must be group, direct or channel.");
  room.epoch = members.text("epoch", kEpochMax);
  if (members.ok() && (room.epoch.empty() || !is_alphanumeric(room.epoch))) {
    members.complain("epoch", "must be 1-32 letters and digits.");
  }
  room.last_seq = members.number("last_seq", kJsonIntegerMax, JsonMembers::optional);
  room.slow_s = static_cast<std::uint32_t>(members.number("slow_s", kSlowSecondsMax, JsonMembers::optional));
  return room;
}

MemberPut member_put(JsonMembers& members) {
  MemberPut member;
  member.room = room_id_member(members, "room");
  member.user = name_member(members, "user");
  const std::string role = members.text("role", kLongestWord, JsonMembers::optional);
  member.role = parse_role(role);
  member.banned = members.flag("banned");
  if (member.role == Role::none && !role.empty())
    members.complain("role", "must be owner, moderator, member or reader.");
  if (member.role != Role::none && member.banned) members.complain("role", "can't go with a ban.");
  return member;
}

MutePut mute_put(JsonMembers& members) {
  MutePut mute;
  mute.room = room_id_member(members, "room");
  mute.user = name_member(members, "user");
  mute.until_ms =
      static_cast<std::int64_t>(members.number("until_ms", kJsonIntegerMax, JsonMembers::optional));
  return mute;
}

NameBlock name_block(JsonMembers& members) {
  NameBlock block{.salt = members.text("salt", kSaltChars), .digest = members.text("digest", kDigestChars)};
  if (members.ok() && (block.salt.size() != kSaltChars || !is_alphanumeric(block.salt)))
    members.complain("salt", "must have 32 letters and digits.");
  if (members.ok() && (block.digest.size() != kDigestChars || !is_alphanumeric(block.digest)))
    members.complain("digest", "must be 64 hexadecimal digits.");
  return block;
}

DirectoryChange change_of(JsonMembers& members, std::string_view put, std::string_view drop) {
  if (!put.empty() && !drop.empty()) members.complain("drop", "can't go with `put`.");
  if (put == "user") return user_put(members);
  if (put == "token") return token_put(members);
  if (put == "room") return room_put(members);
  if (put == "member") return member_put(members);
  if (put == "mute") return mute_put(members);
  if (put == "block") return name_block(members);
  if (drop == "token") return TokenDrop{token_id_member(members)};
  if (drop == "room") return RoomDrop{room_id_member(members, "id")};
  if (!put.empty()) members.complain("put", "must be user, token, room, member, mute or block.");
  members.complain("drop", drop.empty() ? "or `put` must say what changes." : "must be token or room.");
  return {};
}

struct ToJson {
  Json operator()(const UserPut& c) const {
    Json json{{"put", "user"}, {"name", c.name}};
    if (c.admin) json["admin"] = true;
    if (c.disabled) json["disabled"] = true;
    if (!c.scram.empty()) json["scram"] = c.scram;
    return json;
  }
  Json operator()(const TokenPut& c) const {
    Json json{{"put", "token"}, {"id", c.id}, {"user", c.user}, {"sha256", hex_encode(c.sha256)}};
    if (c.expires_ms != 0) json["expires_ms"] = c.expires_ms;
    return json;
  }
  Json operator()(const TokenDrop& c) const { return {{"drop", "token"}, {"id", c.id}}; }
  Json operator()(const RoomPut& c) const {
    Json json{{"put", "room"},    {"id", c.id},
              {"name", c.name},   {"kind", kind_name(c.kind)},
              {"epoch", c.epoch}, {"last_seq", c.last_seq}};
    if (c.slow_s != 0) json["slow_s"] = c.slow_s;
    return json;
  }
  Json operator()(const RoomDrop& c) const { return {{"drop", "room"}, {"id", c.id}}; }
  Json operator()(const MemberPut& c) const {
    Json json{{"put", "member"}, {"room", c.room}, {"user", c.user}};
    if (c.role != Role::none) json["role"] = role_name(c.role);
    if (c.banned) json["banned"] = true;
    return json;
  }
  Json operator()(const MutePut& c) const {
    Json json{{"put", "mute"}, {"room", c.room}, {"user", c.user}};
    if (c.until_ms != 0) json["until_ms"] = c.until_ms;
    return json;
  }
  Json operator()(const NameBlock& c) const {
    return {{"put", "block"}, {"salt", c.salt}, {"digest", c.digest}};
  }
};

// --- binary ---

void append_text(std::string& out, std::string_view text) {
  assert(text.size() <= std::numeric_limits<std::uint16_t>::max());
  append_le(out, static_cast<std::uint16_t>(text.size()));
  out += text;
}

struct AppendBinary {
  std::string& out;

  void operator()(const UserPut& c) const {
    append_text(out, c.name);
    out += static_cast<char>(c.admin);
    out += static_cast<char>(c.disabled);
    append_text(out, c.scram);
  }
  void operator()(const TokenPut& c) const {
    append_text(out, c.id);
    append_text(out, c.user);
    append_text(out, c.sha256);
    append_le(out, static_cast<std::uint64_t>(c.expires_ms));
  }
  void operator()(const TokenDrop& c) const { append_text(out, c.id); }
  void operator()(const RoomPut& c) const {
    append_le(out, c.id);
    append_text(out, c.name);
    out += static_cast<char>(c.kind);
    append_text(out, c.epoch);
    append_le(out, c.last_seq);
    if (c.slow_s != 0) append_le(out, std::uint64_t{c.slow_s});
  }
  void operator()(const RoomDrop& c) const { append_le(out, c.id); }
  void operator()(const MemberPut& c) const {
    append_le(out, c.room);
    append_text(out, c.user);
    out += static_cast<char>(c.role);
    out += static_cast<char>(c.banned);
  }
  void operator()(const MutePut& c) const {
    append_le(out, c.room);
    append_text(out, c.user);
    append_le(out, static_cast<std::uint64_t>(c.until_ms));
  }
  void operator()(const NameBlock& c) const {
    append_text(out, c.salt);
    append_text(out, c.digest);
  }
};

// Takes fields off the front; once one doesn't fit, ok() is false and every field is empty.
class BinaryFields {
 public:
  explicit BinaryFields(std::string_view bytes) : left_(bytes) {}

  std::uint8_t byte(std::uint8_t max) {
    const std::string_view raw = take(1);
    const auto value = raw.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(raw[0]);
    if (value > max) ok_ = false;
    return ok_ ? value : std::uint8_t{0};
  }
  bool flag() { return byte(1) == 1; }
  std::uint64_t number() {
    const std::string_view raw = take(8);
    return raw.empty() ? 0 : get_le<std::uint64_t>(raw.data());
  }
  // A room's pause between messages is written only when there is one.
  std::uint32_t slow_seconds() {
    const std::uint64_t value = number();
    if (value == 0 || value > kSlowSecondsMax) ok_ = false;
    return ok_ ? static_cast<std::uint32_t>(value) : 0;
  }
  std::string text() {
    const std::string_view size = take(2);
    return size.empty() ? std::string() : std::string(take(get_le<std::uint16_t>(size.data())));
  }
  bool ok() const { return ok_; }
  std::string_view left() const { return left_; }

 private:
  std::string_view take(std::size_t size) {
    if (!ok_ || size > left_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
  }

  std::string_view left_;
  bool ok_ = true;
};

// Kinds are the places in the variant up to here, and these two.
constexpr std::uint8_t kSlowRoom = 7;
constexpr std::uint8_t kNameBlock = 8;
static_assert(std::variant_size_v<DirectoryChange> == 8);

std::uint8_t kind_of(const DirectoryChange& change) {
  if (std::holds_alternative<NameBlock>(change)) return kNameBlock;
  const auto* room = std::get_if<RoomPut>(&change);
  return room && room->slow_s != 0 ? kSlowRoom : static_cast<std::uint8_t>(change.index());
}

// Braced lists are evaluated left to right: the fields' order in the struct is their order on disk.
DirectoryChange read_fields(std::uint8_t kind, BinaryFields& in) {
  switch (kind) {
    case 0:
      return UserPut{in.text(), in.flag(), in.flag(), in.text()};
    case 1:
      return TokenPut{in.text(), in.text(), in.text(), static_cast<std::int64_t>(in.number())};
    case 2:
      return TokenDrop{in.text()};
    case 3:
      return RoomPut{in.number(), in.text(), static_cast<RoomKind>(in.byte(2)), in.text(), in.number()};
    case 4:
      return RoomDrop{in.number()};
    case 5:
      return MemberPut{in.number(), in.text(), static_cast<Role>(in.byte(4)), in.flag()};
    case 6:
      return MutePut{in.number(), in.text(), static_cast<std::int64_t>(in.number())};
    case kSlowRoom:
      return RoomPut{in.number(), in.text(),   static_cast<RoomKind>(in.byte(2)),
                     in.text(),   in.number(), in.slow_seconds()};
    default:
      return NameBlock{in.text(), in.text()};
  }
}

}  // namespace

nlohmann::json change_to_json(const DirectoryChange& change) {
  return std::visit(ToJson{}, change);
}

Result<DirectoryChange> change_from_json(const nlohmann::json& json) {
  JsonMembers members(json, "change");
  const std::string put = members.text("put", kLongestWord, JsonMembers::optional);
  const std::string drop = members.text("drop", kLongestWord, JsonMembers::optional);
  DirectoryChange change = change_of(members, put, drop);
  if (auto finished = members.finish(); !finished) return std::unexpected(std::move(finished.error()));
  return change;
}

void append_change(std::string& out, const DirectoryChange& change) {
  out += static_cast<char>(kind_of(change));
  std::visit(AppendBinary{out}, change);
}

Result<DirectoryChange> read_change(std::string_view& bytes) {
  BinaryFields in(bytes);
  const std::uint8_t kind = in.byte(kNameBlock);
  DirectoryChange change = read_fields(kind, in);
  if (!in.ok()) return fail(Errc::corrupt, "A change of the Directory is cut off, or is not one.");
  bytes = in.left();
  return change;
}

}  // namespace parley::wire
