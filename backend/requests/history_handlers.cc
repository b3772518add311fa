#include <limits>

#include "backend/requests/folded_page.h"
#include "backend/requests/handlers.h"
#include "backend/requests/params.h"
#include "backend/requests/reply_text.h"
#include "backend/requests/room_access.h"

namespace parley::backend {
namespace {

constexpr std::uint64_t kSeqMax = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kFrame =
    1024;  // of a reply around its messages, commas included for a page of one room
constexpr std::size_t kRoomFrame = 128;  // of a synced room's answer, its name not counted

std::string page_text(const Page& page) {
  std::string text = "\"messages\":" + envelopes_text(page.envelopes);
  text.append(",\"through\":").append(std::to_string(page.through));
  text.append(",\"first_seq\":").append(std::to_string(page.expired + 1));
  text.append(",\"more\":").append(page.more ? "true" : "false");
  return text;
}

RoomHead head_of(const RoomView& view) {
  return {view.room.epoch, view.room.last_seq, view.room.rewritten, view.room.expired};
}

std::size_t size_of(const Page& page) {
  std::size_t size = 0;
  for (const auto& envelope : page.envelopes) size += envelope.size() + 1;
  return size;
}

// What a client says it knows of a room.
struct Known {
  std::string room;
  std::string epoch;  // "" when not said
  std::uint64_t since = 0;
};

bool known_from_json(const std::string& room, const wire::Json& json, Known& known) {
  if (!json.is_object()) return false;
  known.room = room;
  for (const auto& [key, value] : json.items()) {
    if (key == "epoch" && value.is_string()) {
      known.epoch = value.get<std::string>();
    } else if (key == "since" && value.is_number_unsigned() && value.get<std::uint64_t>() <= kSeqMax) {
      known.since = value.get<std::uint64_t>();
    } else {
      return false;
    }
  }
  return true;
}

std::vector<Known> rooms_parameter(Params& params) {
  std::vector<Known> rooms;
  const auto* object = params.object("rooms");
  if (!object) {
    params.complain("rooms", "is missing.");
    return rooms;
  }
  if (object->size() > wire::kSyncRoomsMax) {
    params.complain("rooms", "has more than " + std::to_string(wire::kSyncRoomsMax) + ".");
    return rooms;
  }
  for (const auto& [name, value] : object->items()) {
    if (!wire::valid_name(name)) {
      params.complain("rooms", "must hold names of rooms only.");
    } else if (!known_from_json(name, value, rooms.emplace_back())) {
      params.complain("rooms", "must give each room {\"epoch\":string,\"since\":seq}.");
    }
  }
  return rooms;
}

// Room after room, within what one reply may hold.
class Sync {
 public:
  Sync(const RequestContext& context, std::uint32_t limit, const std::vector<Known>& rooms)
      : context_(context), limit_(limit), left_(wire::kReplyMax - kFrame) {
    for (const auto& room : rooms) {
      auto frame = kRoomFrame + room.room.size();
      left_ -= std::min(left_, frame);
    }
  }

  std::string answer(const Known& known) {
    auto text = page_of(known);
    return text ? *text
                : wire::Json{{"error",
                              {{"code", wire::code_name(text.error().code)},
                               {"message", text.error().message}}}}
                      .dump();
  }

 private:
  Reply page_of(const Known& known) {
    auto view = find_for_reader(context_, known.room);
    if (!view) return std::unexpected(view.error());
    bool reset = !known.epoch.empty() && known.epoch != view->room.epoch;
    auto since = reset ? 0 : known.since;
    auto page = context_.services.stores.messages->page({.room_id = view->room.id,
                                                         .after = since,
                                                         .limit = limit_,
                                                         .max_bytes = left_,
                                                         .head = head_of(*view)});
    if (!page) return refuse(context_, page.error());
    spend(*page);
    return "{\"epoch\":\"" + view->room.epoch + "\"," + page_text(*page) +
           ",\"reset\":" + (reset ? "true" : "false") + "}";
  }

  // A page has at least one message, however little is left. It stays out unless it is the first of all: else
  // a client could not get on.
  void spend(Page& page) {
    auto size = size_of(page);
    if (size > left_ && given_) {
      page.envelopes.clear();
      page.more = true;
      left_ = 0;
      return;
    }
    given_ = given_ || size > 0;
    left_ -= std::min(left_, size);
  }

  const RequestContext& context_;
  std::uint32_t limit_;
  std::size_t left_;
  bool given_ = false;
};

}  // namespace

Outcome history(const RequestContext& context) {
  Params params(context.request);
  auto room = params.name("room");
  auto before = params.optional_number("before", 1, kSeqMax);
  auto after = params.optional_number("after", 0, kSeqMax);
  auto limit = params.limit(wire::kHistoryLimitDefault, wire::kHistoryLimitMax);
  if (before && after) params.complain("before", "can't be given with `after`.");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto view = find_for_reader(context, room);
  if (!view) return std::unexpected(view.error());
  auto page = context.services.stores.messages->page({.room_id = view->room.id,
                                                      .before = before,
                                                      .after = after,
                                                      .limit = limit,
                                                      .max_bytes = wire::kReplyMax - kFrame,
                                                      .head = head_of(*view)});
  if (page) page = fold_page(context, view->room, *std::move(page), after ? Cut::newest : Cut::oldest);
  if (!page) return refuse(context, page.error());
  return "{\"room\":\"" + room + "\",\"epoch\":\"" + view->room.epoch + "\"," + page_text(*page) + "}";
}

Outcome thread(const RequestContext& context) {
  Params params(context.request);
  const auto room = params.name("room");
  const auto root = params.optional_number("thread", 1, kSeqMax);
  if (!root) params.complain("thread", "is missing.");
  const auto after = params.optional_number("after", 0, kSeqMax).value_or(0);
  const auto limit = params.limit(wire::kHistoryLimitDefault, wire::kHistoryLimitMax);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto view = find_for_reader(context, room);
  if (!view) return std::unexpected(view.error());
  auto page = context.services.stores.messages->thread({.room_id = view->room.id,
                                                        .root = *root,
                                                        .after = after,
                                                        .limit = limit,
                                                        .max_bytes = wire::kReplyMax - kFrame});
  if (page) page = fold_page(context, view->room, *std::move(page), Cut::newest);
  if (!page) return refuse(context, page.error());
  return "{\"room\":\"" + room + "\",\"epoch\":\"" + view->room.epoch +
         "\",\"thread\":" + std::to_string(*root) + "," + page_text(*page) + "}";
}

Outcome sync(const RequestContext& context) {
  Params params(context.request);
  auto rooms = rooms_parameter(params);
  auto limit = params.limit(wire::kHistoryLimitDefault, wire::kHistoryLimitMax);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  Sync sync(context, limit, rooms);
  std::string text = "{\"rooms\":{";
  for (const auto& known : rooms) {
    if (!text.ends_with('{')) text += ',';
    text.append("\"").append(known.room).append("\":").append(sync.answer(known));
  }
  return text + "}}";
}

}  // namespace parley::backend
