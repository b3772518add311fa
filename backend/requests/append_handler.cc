#include <algorithm>
#include <limits>

#include "backend/requests/handlers.h"
#include "backend/requests/params.h"
#include "backend/requests/room_access.h"
#include "wire/content.h"
#include "wire/erasure.h"

namespace parley::backend {
namespace {

using Entry = std::expected<wire::AppendEntry, wire::Failure>;

constexpr std::uint64_t kTimeMax = std::numeric_limits<std::int64_t>::max();

// "d<version>.<n>" is how the server calls its own entries.
bool is_servers_ref(std::string_view ref) {
  if (!ref.starts_with('d')) return false;
  auto dot = ref.find('.');
  auto digits = [](std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  };
  return dot != std::string_view::npos && digits(ref.substr(1, dot - 1)) && digits(ref.substr(dot + 1));
}

// Holds imported content to the rules of what clients publish, under the entry's type and ref.
std::expected<wire::Content, wire::Refusal> check_content(const wire::Json& content, const std::string& type,
                                                          const std::string& ref, std::size_t max_bytes) {
  auto as_published = content;
  as_published["type"] = type;
  as_published["ref"] = ref;
  return wire::parse_content(as_published.dump(), max_bytes);
}

Entry read_entry(const RequestContext& context, const wire::Json& json) {
  wire::JsonMembers members(json, "entry");
  wire::AppendEntry entry;
  entry.imported = true;
  entry.from = members.text("from", wire::kRequestMax);
  entry.type = members.text("type", wire::kRequestMax, wire::JsonMembers::optional);
  if (entry.type.empty()) entry.type = "text";
  entry.ref = members.text("ref", wire::kRefMax);
  entry.sent_at =
      static_cast<std::int64_t>(members.number("sent_at", kTimeMax, wire::JsonMembers::required, 1));
  const auto* content = members.object("content");
  if (is_servers_ref(entry.ref)) members.complain("ref", "has the form of the server's own.");
  if (auto done = members.finish(); !done) return refuse(wire::Code::invalid_argument, done.error().message);
  if (!wire::valid_name(entry.from) && !wire::is_pseudonym(entry.from)) return refuse(wire::Code::invalid_name);
  if (content->contains("type") && content->at("type") != entry.type) {
    return refuse(wire::Code::invalid_argument, "`content` says another `type` than the entry.");
  }
  auto checked = check_content(*content, entry.type, entry.ref, context.services.rules()->max_content_bytes);
  if (!checked) return refuse(checked.error().code, checked.error().reason);
  entry.content = content->dump();
  return entry;
}

Reply seqs_text(const Result<std::vector<std::uint64_t>>& seqs) {
  if (!seqs) return refuse(wire::code_of(seqs.error().code), seqs.error().message);
  auto missing = std::ranges::count(*seqs, 0u);
  if (missing > 0) {
    return refuse(wire::Code::backlog_full,
                  std::to_string(missing) + " of " + std::to_string(seqs->size()) +
                      " entries could not be taken just now: send all of them again.");
  }
  return wire::Json{{"seqs", *seqs}}.dump();
}

std::expected<std::vector<wire::AppendEntry>, wire::Failure> read_entries(const RequestContext& context,
                                                                          const wire::Json& list) {
  std::vector<wire::AppendEntry> entries;
  for (const auto& item : list) {
    auto entry = read_entry(context, item);
    if (!entry) {
      return refuse(entry.error().code,
                    "entries[" + std::to_string(entries.size()) + "]: " + entry.error().message);
    }
    entries.push_back(std::move(*entry));
  }
  return entries;
}

}  // namespace

Outcome append(const RequestContext& context) {
  Params params(context.request);
  auto room = params.name("room");
  const auto* list = params.array("entries", wire::kAppendMax);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  if (auto allowed = admin_only(context); !allowed) return std::unexpected(allowed.error());
  auto view = find_for_reader(context, room);
  if (!view) return std::unexpected(view.error());
  auto entries = read_entries(context, *list);
  if (!entries) return std::unexpected(entries.error());
  if (entries->empty()) return "{\"seqs\":[]}";
  for (auto& entry : *entries) entry.room = view->room.id;
  return Deferred{[&broker = context.services.broker, entries = std::move(*entries)](auto reply) {
    broker.append(entries,
                  [reply](const Result<std::vector<std::uint64_t>>& seqs) { reply(seqs_text(seqs)); });
  }};
}

}  // namespace parley::backend
