#include "wire/content.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "wire/entry.h"
#include "wire/json_scan.h"
#include "wire/limits.h"

namespace parley::wire {
namespace {

using Kind = Member::Kind;

constexpr std::size_t kContentTypeMax = 128;
constexpr std::size_t kStatusMax = 1024;
constexpr std::size_t kReceiptsMax = 256;
constexpr std::size_t kTypingMax = 256;

std::unexpected<Refusal> refuse(Code code, std::string reason) {
  return std::unexpected(Refusal{code, std::move(reason)});
}

std::unexpected<Refusal> refuse_empty() {
  return refuse(Code::empty, std::string(code_sentence(Code::empty)));
}

std::unexpected<Refusal> refuse_too_large(std::string_view what, std::size_t size, std::size_t max) {
  return refuse(Code::too_large, std::string(what) + " has " + std::to_string(size) + " bytes; at most " +
                                     std::to_string(max) + " are taken.");
}

bool looks_like_object(std::string_view payload) {
  return trim_json(payload).starts_with('{');
}

bool blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

// U+0000-001F, U+007F, and in UTF-8 U+0080-009F.
bool has_control(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7f) return true;
    if (c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) return true;
  }
  return false;
}

bool legal_ref(std::string_view ref) {
  return !ref.empty() && ref.size() <= kRefMax && !has_control(ref) && valid_utf8(ref);
}

constexpr std::string_view kRefRule = "`ref` is a string of 1 to 128 bytes without control characters.";
static_assert(kRefMax == 128);

bool needs_target(std::string_view type) {
  return type == "edit" || type == "delete" || type == "reaction";
}

bool is_extension(std::string_view type) {
  if (!type.starts_with("x.") || type.size() < 3 || type.size() > kTypeMax) return false;
  return std::all_of(type.begin() + 2, type.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

std::expected<void, Refusal> check_type(std::string_view type) {
  if (type == "text" || type == "media" || needs_target(type) || is_extension(type)) return {};
  if (type == "member" || type == "room" || type == "data") {
    return refuse(Code::reserved_type,
                  "Messages of type `" + std::string(type) + "` come from the server alone.");
  }
  return refuse(Code::reserved_type,
                "A type is text, media, edit, delete, reaction, or x. followed by 1 to 62 of a-z 0-9 . _ -.");
}

// What the broker reads of a content object.
struct ContentMembers {
  std::array<Member, 8> all{Member{.name = "type"}, Member{.name = "ref"},    Member{.name = "target"},
                            Member{.name = "text"}, Member{.name = "thread"}, Member{.name = "reply_to"},
                            Member{.name = "key"},  Member{.name = "remove"}};
  Member& type() { return all[0]; }
  Member& ref() { return all[1]; }
  Member& target() { return all[2]; }
  Member& text() { return all[3]; }
  Member& thread() { return all[4]; }
  Member& reply_to() { return all[5]; }
  Member& key() { return all[6]; }
  Member& remove() { return all[7]; }
};

bool names_an_entry(const Member& m) {
  return m.is(Kind::natural) && m.natural >= 1;
}

constexpr std::string_view kKeyRule =
    "A reaction needs `key`, a string of 1 to 64 bytes without control characters.";
static_assert(kReactionKeyMax == 64);

std::expected<void, Refusal> check_reaction(ContentMembers& m) {
  const std::string& key = m.key().text;
  if (!m.key().is(Kind::string) || key.empty() || key.size() > kReactionKeyMax || has_control(key))
    return refuse(Code::malformed, std::string(kKeyRule));
  if (!m.remove().is(Kind::absent) && !m.remove().is(Kind::boolean))
    return refuse(Code::malformed, "`remove` is true or false.");
  return {};
}

// `members`: how many there are at top level.
std::expected<void, Refusal> check_edit(ContentMembers& m, std::size_t members) {
  if (!m.text().is(Kind::absent) && !m.text().is(Kind::string))
    return refuse(Code::malformed, "The `text` of an edit is a string.");
  std::size_t around = 0;
  for (const Member* one : {&m.type(), &m.ref(), &m.target(), &m.thread(), &m.reply_to()})
    around += one->is(Kind::absent) ? 0 : 1;
  if (members == around) return refuse(Code::empty, "An edit needs what is to stand there instead.");
  return {};
}

std::expected<void, Refusal> check_by_type(std::string_view type, ContentMembers& m, std::size_t members) {
  for (const Member* one : {&m.thread(), &m.reply_to()}) {
    if (!one->is(Kind::absent) && !names_an_entry(*one))
      return refuse(Code::malformed,
                    "`" + std::string(one->name) + "` is the number of a message: an integer above 0.");
  }
  if (needs_target(type) && !names_an_entry(m.target())) {
    return refuse(Code::malformed,
                  "A message of type `" + std::string(type) +
                      "` needs `target`, the number of the message it is about: an integer above 0.");
  }
  if (type == "reaction") return check_reaction(m);
  if (type == "edit") return check_edit(m, members);
  if (type != "text") return {};
  if (!m.text().is(Kind::string))
    return refuse(Code::malformed, "A message of type `text` needs `text`, a string.");
  if (blank(m.text().text)) return refuse(Code::empty, "The text is blank.");
  return {};
}

std::expected<Content, Refusal> object_content(std::string_view payload) {
  ContentMembers m;
  const auto members = scan_object(payload, "The content", m.all);
  if (!members) return std::unexpected(members.error());
  if (*members == 0) return refuse_empty();
  if (!m.type().is(Kind::absent) && !m.type().is(Kind::string))
    return refuse(Code::malformed, "`type` is a string.");
  if (!m.ref().is(Kind::absent) && !(m.ref().is(Kind::string) && legal_ref(m.ref().text))) {
    return refuse(Code::malformed, std::string(kRefRule));
  }
  std::string type = m.type().is(Kind::absent) ? "text" : std::move(m.type().text);
  if (auto ok = check_type(type); !ok) return std::unexpected(ok.error());
  if (auto ok = check_by_type(type, m, *members); !ok) return std::unexpected(ok.error());
  const auto target = needs_target(type) ? m.target().natural : 0;
  return Content{.type = std::move(type),
                 .ref = std::move(m.ref().text),
                 .json = std::string(trim_json(payload)),
                 .refers_to = std::max({target, m.thread().natural, m.reply_to().natural})};
}

std::expected<Content, Refusal> text_content(std::string_view text) {
  if (blank(text)) return refuse_empty();
  Content content{.type = "text", .ref = {}, .json = "{\"text\":\""};
  content.json.reserve(text.size() + 16);
  append_json_escaped(content.json, text);
  content.json += "\"}";
  return content;
}

std::string_view content_type_or_default(std::string_view given) {
  const bool printable =
      std::all_of(given.begin(), given.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
  return printable && !given.empty() && given.size() <= kContentTypeMax ? given : "application/octet-stream";
}

Content bytes_content(std::string_view bytes, std::string_view content_type) {
  std::string json = "{\"data\":\"" + base64_encode(bytes) + "\",\"content_type\":\"";
  append_json_escaped(json, content_type_or_default(content_type));
  json += "\"}";
  return {.type = "data", .ref = {}, .json = std::move(json)};
}

// For the small objects that go from member to member as they are: nothing but `members` may be in them.
std::expected<std::size_t, Refusal> scan_small(std::string_view payload, std::size_t max,
                                               std::span<Member> members) {
  if (payload.size() > max) return refuse_too_large("The payload", payload.size(), max);
  return scan_object(payload, "The payload", members);
}

}  // namespace

std::expected<Content, Refusal> parse_content(std::string_view payload, std::size_t max_bytes,
                                              std::string_view content_type, std::string_view property_ref) {
  if (payload.empty()) return refuse_empty();
  if (payload.size() > max_bytes) return refuse_too_large("The content", payload.size(), max_bytes);
  std::expected<Content, Refusal> content;
  if (looks_like_object(payload)) {
    content = object_content(payload);
  } else if (valid_utf8(payload)) {
    content = text_content(payload);
  } else {
    content = bytes_content(payload, content_type);
  }
  if (!content) return content;
  if (content->json.size() > kContentJsonMax) {
    return refuse_too_large("The content, written as JSON,", content->json.size(), kContentJsonMax);
  }
  if (content->ref.empty() && !property_ref.empty()) {
    if (!legal_ref(property_ref)) return refuse(Code::malformed, std::string(kRefRule));
    content->ref = property_ref;
  }
  return content;
}

std::string peek_ref(std::string_view payload, std::size_t max_bytes, std::string_view property_ref) {
  payload = payload.substr(0, max_bytes);
  if (looks_like_object(payload)) {
    ContentMembers m;
    (void)scan_object(payload, "The content", m.all);  // refused or not, what was seen counts
    if (m.ref().is(Kind::string) && legal_ref(m.ref().text)) return std::move(m.ref().text);
    if (!m.ref().is(Kind::absent)) return {};
  }
  return legal_ref(property_ref) ? std::string(property_ref) : std::string();
}

std::expected<Receipts, Refusal> parse_receipts(std::string_view payload) {
  std::array<Member, 2> m{Member{.name = "received"}, Member{.name = "read"}};
  const auto members = scan_small(payload, kReceiptsMax, m);
  if (!members) return std::unexpected(members.error());
  std::size_t given = 0;
  for (const Member& watermark : m) given += watermark.is(Kind::natural) ? 1 : 0;
  if (given == 0 || given != *members) {
    return refuse(Code::malformed,
                  "A receipt has `received`, `read` or both, integers of 0 or above, and nothing else.");
  }
  if (given == 2 && m[1].natural > m[0].natural) {
    return refuse(Code::malformed, "`read` (" + std::to_string(m[1].natural) + ") is above `received` (" +
                                       std::to_string(m[0].natural) + ").");
  }
  return Receipts{.received = m[0].natural, .read = m[1].natural};
}

std::expected<void, Refusal> check_device_status(std::string_view payload) {
  if (payload.empty()) return refuse(Code::not_allowed, "A status is cleared by the server alone.");
  std::array<Member, 1> status{Member{.name = "status"}};
  if (const auto members = scan_small(payload, kStatusMax, status); !members)
    return std::unexpected(members.error());
  const std::string& text = status[0].text;
  if (status[0].is(Kind::string) && (text == "online" || text == "away" || text == "offline")) return {};
  return refuse(Code::malformed, "`status` is online, away or offline.");
}

std::expected<void, Refusal> check_typing(std::string_view payload) {
  std::array<Member, 1> typing{Member{.name = "typing"}};
  const auto members = scan_small(payload, kTypingMax, typing);
  if (!members) return std::unexpected(members.error());
  if (*members == 1 && typing[0].is(Kind::boolean)) return {};
  return refuse(Code::malformed, "Typing is {\"typing\":true} or {\"typing\":false}, and nothing else.");
}

}  // namespace parley::wire
