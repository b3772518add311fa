#include "plugin/broker/gate.h"

#include "plugin/broker/enhanced_auth.h"
#include "wire/content.h"
#include "wire/topics.h"

namespace parley::plugin {

using wire::TopicKind;

AclDecision Gate::check(const Client& client, const AclRequest& request) {
  if (client.username.starts_with(EnhancedAuth::kUnfinished)) return AclDecision::deny;
  switch (request.access) {
    case Access::read:
      return read(client, request.topic);
    case Access::subscribe:
      return subscribe(client, request);
    case Access::write:
      return write(client, request);
    case Access::unsubscribe:
      return decide(core_.live(), query(client, request, logins_.session(client)));
  }
  return AclDecision::deny;
}

AclQuery Gate::query(const Client& client, const AclRequest& request, const Session* session) const {
  return AclQuery{.access = request.access,
                  .user = logins_.foreign(client.key) ? std::string_view() : client.username,
                  .backend = session && session->backend,
                  .topic = request.topic,
                  .device = client.id,
                  .other_topics = core_.options.other_topics};
}

// Asked for every delivery, also for sessions that sleep and have no connection behind them: then the name is all there is.
AclDecision Gate::read(const Client& client, std::string_view topic) {
  const bool may_be_backend = client.username.starts_with('$');
  const Session* session = may_be_backend ? core_.sessions.find(client.key) : nullptr;
  auto decision = decide(core_.live(), query(client, {.access = Access::read, .topic = topic}, session));
  if (decision == AclDecision::allow && !session && core_.bans->list().names_somebody() &&
      !logins_.foreign(client.key) &&
      !core_.admission->may_read(client.username, client.id, core_.clock.wall()))
    decision = AclDecision::deny;
  if (decision == AclDecision::deny) {
    ++core_.counters.reads_denied;
    core_.sessions.denied_read(client.key);
  } else if (decision == AclDecision::allow && topic.starts_with("rooms/") && topic.ends_with("/messages")) {
    ++core_.counters.deliveries;
  }
  return decision;
}

AclDecision Gate::subscribe(const Client& client, const AclRequest& request) {
  const Session* session = logins_.session(client);
  auto asked = query(client, request, session);
  if (!session) asked.user = {};  // nobody of ours: no rights on Parley's topics, whatever the name
  auto decision = decide(core_.live(), asked);
  if (session && !session->backend && request.subscriptions >= 0 &&
      static_cast<std::uint32_t>(request.subscriptions) >= core_.options.max_subscriptions)
    decision = AclDecision::deny;
  if (decision == AclDecision::deny) ++core_.counters.subscriptions_denied;
  return decision;
}

AclDecision Gate::write(const Client& client, const AclRequest& request) {
  // No session: a will that is sent after the disconnect, decided by name and the Directory of now; or a stranger, whose name is in no Directory.
  const Session* session = logins_.session(client);
  const auto asked = query(client, request, session);
  const auto decision = decide(core_.live(), asked);
  if (decision == AclDecision::defer || (session && session->backend)) return decision;

  const auto topic = wire::parse_topic(request.topic);
  if (topic.kind == TopicKind::other) return decision;
  const std::string_view sender = session ? std::string_view(session->user) : std::string_view();
  if (decision == AclDecision::deny) {
    auto refusal = explain(core_.live(), asked);
    core_.refuse(sender, {refusal.code, std::move(refusal.reason)},
                 core_.about(topic, request.payload, client.id));
    return decision;
  }
  if (auto judged = judge_payload(topic, request); !judged) {
    if (!judged.error().reason.empty())
      core_.refuse(sender, {judged.error().code, judged.error().reason},
                   core_.about(topic, request.payload, client.id));
    return AclDecision::deny;
  }
  return decision;
}

std::expected<void, wire::Refusal> Gate::judge_payload(const wire::Topic& topic, const AclRequest& request) {
  const bool may_retain =
      topic.kind == TopicKind::room_send || topic.kind == TopicKind::device_status;  // send: ignored
  if (request.retain && !may_retain)
    return std::unexpected(wire::Refusal{wire::Code::retain_not_allowed,
                                         std::string(code_sentence(wire::Code::retain_not_allowed))});
  switch (topic.kind) {
    case TopicKind::room_typing:
      return judge_typing(topic, request);
    case TopicKind::room_receipts:
      return judge_receipts(topic, request.payload);
    case TopicKind::device_status:
      return wire::check_device_status(request.payload);
    default:
      return {};
  }
}

// With QoS 1 it would wait for those who sleep, and be old news when they wake.
std::expected<void, wire::Refusal> Gate::judge_typing(const wire::Topic& topic,
                                                      const AclRequest& request) const {
  if (request.qos > 0)
    return std::unexpected(
        wire::Refusal{wire::Code::qos_not_allowed, std::string(code_sentence(wire::Code::qos_not_allowed))});
  const auto room = core_.live().find_room(topic.room);
  if (const auto most = core_.options.typing_room_max; room && room->members > most)
    return std::unexpected(wire::Refusal{
        wire::Code::not_allowed,
        "In a room of more than " + std::to_string(most) + " members nobody is told who is typing."});
  const auto user = core_.live().find_account(topic.user);
  if (room && user && core_.live().muted_until_ms(user->ref, room->ref) > to_ms(core_.clock.wall()))
    return std::unexpected(wire::Refusal{wire::Code::muted, std::string(code_sentence(wire::Code::muted))});
  return wire::check_typing(request.payload);
}

// A refusal without a sentence is a backward watermark: dropped, since it tells nobody anything new.
std::expected<void, wire::Refusal> Gate::judge_receipts(const wire::Topic& topic, std::string_view payload) {
  const auto receipts = wire::parse_receipts(payload);
  if (!receipts) return std::unexpected(receipts.error());
  const auto room = core_.live().find_room(topic.room);
  if (!room)
    return std::unexpected(
        wire::Refusal{wire::Code::not_a_member, std::string(code_sentence(wire::Code::not_a_member))});
  const auto last = std::max(room->last_seq, core_.sequencer->last_seq(room->id));
  if (std::max(receipts->received, receipts->read) > last)
    return std::unexpected(wire::Refusal{wire::Code::above_last_seq,
                                         "The room's last message has number " + std::to_string(last) + "."});
  if (core_.receipts.check(topic.user, room->id, *receipts) == ReceiptMarks::Direction::backward)
    return std::unexpected(wire::Refusal{wire::Code::invalid_argument, ""});
  return {};
}

}  // namespace parley::plugin
