#include "wire/entry.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/encoding.h"
#include "wire/json_scan.h"
#include "wire/limits.h"

namespace parley::wire {
namespace {

// Quotes inside strings are escaped, so the first of these is the member itself.
constexpr std::string_view kContentMember = R"(,"content":)";
constexpr std::string_view kRoleMember = R"(,"role":")";

bool alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool in_name(char c) {
  return alphanumeric(c) || c == '.' || c == '_' || c == '@' || c == '-';
}

bool speaks_of_another(std::string_view type) {
  return type == "edit" || type == "delete" || type == "reaction";
}

Role role_in(std::string_view head) {
  const auto at = head.find(kRoleMember);
  if (at == std::string_view::npos) return Role::none;
  head.remove_prefix(at + kRoleMember.size());
  return parse_role(head.substr(0, head.find('"')));
}

// Most messages say nothing of others, and need no parser to see that.
bool worth_parsing(const Entry& entry, std::string_view content) {
  if (!entry.message()) return speaks_of_another(entry.type);
  constexpr auto kNone = std::string_view::npos;
  return content.find('@') != kNone || content.find(R"("thread")") != kNone || content.find("\\u") != kNone;
}

// What erased() leaves: the reply it was, to be told apart from a message in no thread.
constexpr std::string_view kErasedContent = R"({},"deleted":)";
std::uint64_t number_behind(std::string_view content, std::string_view member) {
  const auto at = content.find(member);
  std::uint64_t number = 0;
  if (at != std::string_view::npos)
    std::from_chars(content.data() + at + member.size(), content.data() + content.size(), number);
  return number;
}

struct Members {
  std::array<Member, 5> all{Member{.name = "target"}, Member{.name = "thread"}, Member{.name = "key"},
                            Member{.name = "remove"}, Member{.name = "text"}};
  Member& target() { return all[0]; }
  Member& thread() { return all[1]; }
  Member& key() { return all[2]; }
  Member& remove() { return all[3]; }
  Member& text() { return all[4]; }
};

// Cuts the name at the front of `text`; "" when there is no legal one.
std::string_view leading_name(std::string_view text) {
  const auto end = std::ranges::find_if_not(text, in_name);
  auto name = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  while (!name.empty() && (name.back() == '.' || name.back() == '-' || name.back() == '@'))
    name.remove_suffix(1);
  return valid_name(name) ? name : std::string_view();
}

void read_mentions(Entry& entry, std::string_view text) {
  entry.mentions = mentions_in(text);
  const auto room = std::ranges::find(entry.mentions, "room");
  if (room != entry.mentions.end() && entry.role >= Role::moderator) *room = kRoomMention;
}

}  // namespace

bool is_message(std::string_view type) {
  return !speaks_of_another(type) && type != "member" && type != "room";
}

bool Entry::message() const {
  return is_message(type);
}

std::uint64_t seq_of_envelope(std::string_view envelope) {
  constexpr std::string_view kBegin = "{\"seq\":";
  if (!envelope.starts_with(kBegin)) return 0;
  std::uint64_t seq = 0;
  const auto* end = envelope.data() + envelope.size();
  const auto read = std::from_chars(envelope.data() + kBegin.size(), end, seq);
  return read.ec == std::errc() && read.ptr != end && *read.ptr == ',' ? seq : 0;
}

std::size_t content_at(std::string_view envelope) {
  const auto at = envelope.find(kContentMember);
  return at == std::string_view::npos ? envelope.size() : at + kContentMember.size();
}

std::string_view content_of(std::string_view envelope) {
  auto content = envelope.substr(content_at(envelope));
  if (!content.empty()) content.remove_suffix(1);
  return content;
}

Entry read_entry(const Record& record) {
  const auto content = content_of(record.envelope);
  Entry entry{.seq = record.seq,
              .at_ms = record.at_ms,
              .from = record.from,
              .type = record.type,
              .imported = (record.flags & kRecordImported) != 0};
  if (content.starts_with(kErasedContent)) {
    entry.deleted = number_behind(content, R"({"seq":)");
    entry.thread = number_behind(content, R"(,"thread":)");
    return entry;
  }
  if (!worth_parsing(entry, content)) return entry;
  Members members;
  if (!scan_object(content, "The content", members.all)) return entry;
  entry.role = role_in(record.envelope.substr(0, content_at(record.envelope)));
  if (speaks_of_another(entry.type)) {
    entry.target = members.target().natural;
    entry.key = std::move(members.key().text);
    entry.remove = members.remove().flag;
    return entry;
  }
  entry.thread = members.thread().natural;
  if (entry.countable() && members.text().is(Member::Kind::string)) read_mentions(entry, members.text().text);
  return entry;
}

void for_each_mention(std::string_view text,
                      const std::function<void(std::size_t, std::string_view)>& visit) {
  for (auto at = text.find('@'); at != std::string_view::npos; at = text.find('@', at + 1)) {
    if (at > 0 && (alphanumeric(text[at - 1]) || text[at - 1] == '_' || text[at - 1] == '-')) continue;
    if (const auto name = leading_name(text.substr(at + 1)); !name.empty()) visit(at + 1, name);
  }
}

std::vector<std::string> mentions_in(std::string_view text) {
  std::vector<std::string> found;
  for_each_mention(text, [&found](std::size_t, std::string_view spelled) {
    auto name = fold_case(spelled);
    if (found.size() < kMentionsMax && std::ranges::find(found, name) == found.end())
      found.push_back(std::move(name));
  });
  return found;
}

}  // namespace parley::wire
