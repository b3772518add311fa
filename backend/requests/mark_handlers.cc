#include "backend/requests/handlers.h"
#include "backend/requests/params.h"
#include "backend/requests/reply_text.h"
#include "backend/requests/room_access.h"
#include "wire/topics.h"

namespace parley::backend {
namespace {

using What = MarkOutcome::What;

wire::Json marks_json(const Marks& marks) {
  return {{"received", marks.received}, {"read", marks.read}};
}

// To the other members, and to the user's other devices: as if the device had published it itself.
void publish_receipt(Services& services, const std::string& room, const std::string& user,
                     const Marks& marks) {
  (void)services.publisher.publish({.topic = wire::room_topic(wire::TopicKind::room_receipts, room, user),
                                    .payload = marks_json(marks).dump(),
                                    .correlation_data = {}});
}

Reply answer(Services& services, const MarkRaise& raise, const Result<MarkOutcome>& outcome) {
  if (!outcome) return refuse(wire::code_of(outcome.error().code), outcome.error().message);
  switch (outcome->what) {
    case What::no_member:
      return refuse(wire::Code::not_a_member);
    case What::above_last_seq:
      return refuse(wire::Code::above_last_seq);
    case What::raised:
      publish_receipt(services, raise.room, raise.user, outcome->now);
      break;
    case What::unchanged:
      break;
  }
  auto json = marks_json(outcome->now);
  json["room"] = raise.room;
  return json.dump();
}

}  // namespace

Outcome read_marks(const RequestContext& context) {
  Params params(context.request);
  auto room = params.name("room");
  auto read = params.optional_number("read", 0, wire::kJsonIntegerMax);
  auto received = params.optional_number("received", 0, wire::kJsonIntegerMax);
  if (!read && !received) params.complain("read", "is missing.");
  if (read && received && *received < *read) params.complain("received", "must not be below `read`.");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto view = find_for_member(context, room);
  if (!view) return std::unexpected(view.error());
  MarkRaise raise{.room_id = view->room.id,
                  .room = room,
                  .user = context.user(),
                  .to = {.received = received.value_or(0), .read = read.value_or(0)},
                  .checked = false};
  // These marks were read with the membership just now: a repeat need not wait for the writer.
  if (const auto known = raised(view->me.marks, raise, view->room.last_seq); known.what == What::unchanged)
    return answer(context.services, raise, known);
  if (!context.services.options.raise_marks) return refuse(wire::Code::unavailable);
  return Deferred{[&services = context.services, raise = std::move(raise)](auto reply) {
    services.options.raise_marks(raise, [&services, raise, reply](const Result<MarkOutcome>& outcome) {
      reply(answer(services, raise, outcome));
    });
  }};
}

Outcome marks(const RequestContext& context) {
  Params params(context.request);
  auto room = params.name("room");
  auto after = params.optional_name("after").value_or("");
  auto limit = params.limit(wire::kListLimitDefault, wire::kListLimitMax);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto view = find_for_reader(context, room);
  if (!view) return std::unexpected(view.error());
  auto members =
      context.services.stores.rooms->members({.room_id = view->room.id, .after = after, .limit = limit + 1});
  if (!members) return refuse(context, members.error());
  return list_text("marks", *members, limit, [](const Member& member) {
    auto json = marks_json(member.marks);
    json["user"] = member.user;
    return json;
  });
}

}  // namespace parley::backend
