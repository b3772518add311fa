#include "backend/requests/handlers.h"
#include "backend/requests/params.h"
#include "backend/requests/reply_text.h"
#include "backend/store/unread_query.h"
#include "base/text_cut.h"

namespace parley::backend {
namespace {

// Of a message's content in an overview. A longer one is given as its text alone, cut to this.
constexpr std::size_t kContentShown = 512;

wire::Json shortened(const std::string& envelope) {
  if (envelope.empty()) return nullptr;
  auto json = wire::Json::parse(envelope, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return nullptr;
  const auto content = json.find("content");
  if (content == json.end() || content->dump().size() <= kContentShown) return json;
  const auto text = content->find("text");
  *content = text != content->end() && text->is_string()
                 ? wire::Json{{"text", cut_text(text->get_ref<const std::string&>(), kContentShown)}}
                 : wire::Json::object();
  json["cut"] = true;
  return json;
}

wire::Json overview(const RoomOfUser& item, const Unread& unread) {
  const auto& room = item.room;
  wire::Json json = {{"room", room.name},
                     {"kind", wire::kind_name(room.kind)},
                     {"title", room.title},
                     {"role", wire::role_name(item.role)},
                     {"epoch", room.epoch},
                     {"last_seq", room.last_seq},
                     {"first_seq", room.expired + 1},
                     {"last", shortened(unread.last)},
                     {"unread", unread.messages},
                     {"mentions", unread.mentions},
                     {"received", item.marks.received},
                     {"read", item.marks.read}};
  if (!item.peer.empty()) json["peer"] = item.peer;
  return json;
}

}  // namespace

Outcome rooms(const RequestContext& context) {
  Params params(context.request);
  auto given = params.optional_name("user");
  auto after = params.optional_name("after").value_or("");
  auto limit = params.limit(wire::kListLimitDefault, wire::kListLimitMax);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  const auto user = oneself_or_admin(context, given);
  if (!user) return std::unexpected(user.error());
  auto& stores = context.services.stores;
  auto mine = stores.rooms->list({.user = *user, .after = after, .limit = limit + 1});
  if (!mine) return refuse(context, mine.error());
  const bool more = mine->size() > limit;
  if (more) mine->pop_back();
  auto unread = stores.unread->unread(unread_query(*user, *mine));
  if (!unread) return refuse(context, unread.error());
  ListText list("rooms", wire::kRoomsReplyMax);
  std::size_t taken = 0;
  while (taken < mine->size() && list.add(overview((*mine)[taken], (*unread)[taken]))) ++taken;
  return std::move(list).finish(more || taken < mine->size());
}

}  // namespace parley::backend
