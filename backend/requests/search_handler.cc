#include <charconv>
#include <limits>

#include "backend/requests/handlers.h"
#include "backend/requests/params.h"
#include "backend/requests/reply_text.h"
#include "backend/requests/room_access.h"
#include "wire/fold.h"

namespace parley::backend {
namespace {

constexpr std::uint64_t kTimeMax = std::numeric_limits<std::int64_t>::max();
constexpr std::uint32_t kLimit = 20, kLimitMax = 100;
constexpr std::size_t kFrame = 1024;

using RoomIds = std::expected<std::vector<std::uint64_t>, wire::Failure>;

// The room asked for, or all of the requester's own.
RoomIds rooms_to_search(const RequestContext& context, const std::optional<std::string>& room) {
  if (room) {
    auto view = find_for_reader(context, *room);
    if (!view) return std::unexpected(view.error());
    return std::vector{view->room.id};
  }
  std::vector<std::uint64_t> ids;
  RoomQuery query{.which = RoomQuery::Which::of_user, .user = context.user(), .after = "", .limit = 1000};
  for (bool more = true; more && ids.size() < kSearchRoomsMax;) {
    auto page = context.services.stores.rooms->list(query);
    if (!page) return refuse(context, page.error());
    for (const auto& one : *page) ids.push_back(one.room.id);
    more = page->size() == query.limit;
    if (more) query.after = page->back().room.name;
  }
  return ids;
}

std::optional<std::uint64_t> parse_place(const std::string& text) {
  std::uint64_t place = 0;
  const auto* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, place);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return place;
}

Reply page_text(const RequestContext& context, TextPage page) {
  std::vector<Place> places;
  for (const auto& hit : page.hits) places.push_back(hit.message);
  auto notes = context.services.stores.messages->notes(places);
  if (!notes) return refuse(context, notes.error());
  std::vector<std::string> told;
  std::size_t bytes = 0;
  for (const auto& hit : page.hits) {
    const auto found = notes->find(hit.message);
    auto text = found == notes->end() ? hit.envelope : wire::folded(hit.envelope, found->second);
    bytes += text.size() + 1;
    if (!told.empty() && bytes > wire::kReplyMax - kFrame) {
      page.next = page.hits[told.size() - 1].place;
      break;
    }
    told.push_back(std::move(text));
  }
  std::string text = "{\"messages\":" + envelopes_text(told) + ",\"more\":" + (page.next ? "true" : "false");
  if (page.next) text += ",\"next\":\"" + std::to_string(*page.next) + "\"";
  return text + "}";
}

}  // namespace

Outcome search(const RequestContext& context) {
  Params params(context.request);
  const auto words = wire::parse_search(params.text("query", wire::kSearchQueryMax));
  const auto room = params.optional_name("room");
  const auto from = params.optional_name("from");
  const auto since = params.optional_number("since", 0, kTimeMax);
  const auto until = params.optional_number("until", 0, kTimeMax);
  const auto next = params.optional_text("next", 32);
  const auto limit = params.limit(kLimit, kLimitMax);
  if (words.empty()) params.complain("query", "has no word in it.");
  if (next && !parse_place(*next)) params.complain("next", "is not what a page told.");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto rooms = rooms_to_search(context, room);
  if (!rooms) return std::unexpected(rooms.error());
  if (rooms->empty()) return "{\"messages\":[],\"more\":false}";
  TextQuery query{.rooms = *std::move(rooms), .words = words, .sender = from.value_or(""), .limit = limit};
  query.since_ms = static_cast<std::int64_t>(since.value_or(0));
  if (until) query.until_ms = static_cast<std::int64_t>(*until);
  if (next) query.before = parse_place(*next);
  auto page = context.services.stores.search->search(query);
  if (!page) return refuse(context, page.error());
  auto text = page_text(context, *std::move(page));
  if (!text) return std::unexpected(text.error());
  return *std::move(text);
}

}  // namespace parley::backend
