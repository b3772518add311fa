#include "backend/requests/handlers.h"
#include "backend/requests/params.h"
#include "backend/requests/room_access.h"
#include "wire/envelope.h"
#include "wire/json_members.h"

namespace parley::backend {
namespace {

// What may stand under the number, for a delete to mean something.
std::expected<void, wire::Failure> check_target(const RequestContext& context, const Room& room,
                                                std::uint64_t seq) {
  if (seq > room.last_seq)
    return refuse(wire::Code::above_last_seq,
                  "The last stored message has number " + std::to_string(room.last_seq) + ".");
  auto page = context.services.stores.messages->page({.room_id = room.id, .after = seq - 1, .limit = 1});
  if (!page) return refuse(context, page.error());
  auto envelope = page->envelopes.empty() ? Result<wire::Envelope>(fail(Errc::not_found, ""))
                                          : wire::parse_envelope(page->envelopes.front());
  if (!envelope || envelope->seq != seq) return refuse(wire::Code::not_found);
  if (envelope->type == "member" || envelope->type == "room")
    return refuse(wire::Code::invalid_argument, "This entry tells of the room itself, and stays.");
  return {};
}

}  // namespace

Outcome message_delete(const RequestContext& context) {
  Params params(context.request);
  auto room = params.name("room");
  auto seq = params.optional_number("seq", 1, wire::kJsonIntegerMax);
  if (!seq) params.complain("seq", "is missing.");
  if (auto bad = params.finish()) return std::unexpected(*bad);
  auto view = find_for_moderator(context, room);
  if (!view) return std::unexpected(view.error());
  if (auto target = check_target(context, view->room, *seq); !target) return std::unexpected(target.error());
  // Administrators from outside act as owners. The ref makes a repeat the same entry.
  wire::AppendEntry entry{
      .room = view->room.id,
      .from = context.user(),
      .role = std::string(wire::role_name(context.admin() ? wire::Role::owner : view->me.role)),
      .type = "delete",
      .ref = "message.delete:" + std::to_string(*seq),
      .content = wire::Json{{"type", "delete"}, {"target", *seq}}.dump()};
  return Deferred{[&broker = context.services.broker, entry = std::move(entry)](auto reply) {
    broker.append({entry}, [reply](const Result<std::vector<std::uint64_t>>& seqs) {
      if (!seqs) return reply(refuse(wire::code_of(seqs.error().code), seqs.error().message));
      if (seqs->empty() || seqs->front() == 0) return reply(refuse(wire::Code::backlog_full));
      reply(wire::Json{{"seq", seqs->front()}}.dump());
    });
  }};
}

}  // namespace parley::backend
