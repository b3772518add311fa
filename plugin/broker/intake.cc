#include "plugin/broker/intake.h"

#include "base/crypto.h"
#include "base/ids.h"
#include "wire/content.h"
#include "wire/limits.h"
#include "wire/topics.h"

namespace parley::plugin {

using wire::Code;
using wire::TopicKind;

namespace {

wire::Failure failure(Code code) {
  return {code, std::string(code_sentence(code))};
}

// Where a request's answer may go: to oneself.
bool own_reply_topic(std::string_view user, std::string_view topic) {
  const auto parsed = wire::parse_topic(topic);
  return parsed.kind == TopicKind::user_reply && parsed.user == user;
}

// The `id` of a request that is refused unread, so that its sender knows which. "" when there is none.
std::string request_id(std::string_view user, std::string_view method, std::string_view payload) {
  auto request = wire::parse_request(user, method, payload);
  return request ? request->id : std::string();
}

bool in_slow_mode(const RoomView& room, wire::Role role) {
  return room.slow_s != 0 && role < wire::Role::moderator;
}

// A mute that ends later than this has no end that is worth telling.
constexpr std::chrono::hours kTellableMute{24 * 366 * 10};

}  // namespace

std::optional<wire::Failure> Intake::held_back(const UserView& user, const RoomView& room, wire::Role role,
                                               std::chrono::seconds& wait) {
  using std::chrono::milliseconds, std::chrono::seconds;
  const milliseconds muted{core_.live().muted_until_ms(user.ref, room.ref) - to_ms(core_.clock.wall())};
  if (muted > kTellableMute) return failure(Code::muted);
  if (muted.count() > 0) {
    wait = std::chrono::ceil<seconds>(muted);
    return wire::Failure{Code::muted,
                         "You are muted in this room for " + std::to_string(wait.count()) + " s more."};
  }
  if (role < wire::Role::moderator && !core_.room_rate.try_take(room.id, core_.clock.steady()))
    return wire::Failure{Code::rate_limited,
                         "There are too many messages in this room just now; try again in a moment."};
  if (!in_slow_mode(room, role)) return std::nullopt;
  wait = core_.pace.wait(user.name, room.id, seconds{room.slow_s}, core_.clock.steady());
  if (wait.count() == 0) return std::nullopt;
  return wire::Failure{Code::slow_mode, "This room takes one message of yours every " +
                                            std::to_string(room.slow_s) + " s: wait " +
                                            std::to_string(wait.count()) + " s more."};
}

void Intake::note_above_rate(Session& session) {
  constexpr std::chrono::seconds kWindow{10};
  const auto now = core_.clock.steady();
  if (now - session.above_rate_since >= kWindow) session.above_rate_since = now, session.above_rate = 0;
  const auto most = core_.options.flood_refusals;
  if (most == 0 || ++session.above_rate <= most) return;
  session.above_rate = 0;
  const auto user = core_.live().find_user(session.user);
  if (user && user->admin) return;
  const auto wall = core_.clock.wall();
  core_.bans->add_own({.kind = wire::BanKind::user,
                       .target = session.user,
                       .reason = "More than " + std::to_string(most) + " publishes above the rate in " +
                                 std::to_string(kWindow.count()) + " s, by client " + session.device + ".",
                       .at_ms = to_ms(wall),
                       .until_ms = to_ms(wall + core_.options.flood_ban)});
  core_.sessions.kick_user_later(session.user);
  ++core_.counters.floods_ended;
}

bool Intake::message(const Client& client, std::string_view topic_text, std::string_view payload,
                     const ReadProperties& properties, bool& retain, std::string& payload_after) {
  const auto topic = wire::parse_topic(topic_text);
  if (topic.kind == TopicKind::other) return true;
  Session* session = logins_.session(client);
  if (!session)
    return core_.refuse("", failure(Code::internal), {});  // the write check let nobody of ours through
  if (session->backend) return true;
  if (!core_.charge(session->user)) {
    note_above_rate(*session);
    return core_.refuse(session->user, failure(Code::rate_limited),
                        core_.about(topic, payload, session->device));
  }
  switch (topic.kind) {
    case TopicKind::room_send:
      retain = false;
      return room_message(session->user, session->device, topic.room, payload, properties, client.protocol);
    case TopicKind::user_request:
      return request(*session, topic, payload, properties, payload_after);
    case TopicKind::room_typing:
      if (core_.typing_rate.try_take(session->user, core_.clock.steady())) return true;
      return core_.refuse(session->user, failure(Code::rate_limited),
                          core_.about(topic, payload, session->device));
    default:
      return true;
  }
}

bool Intake::room_message(std::string_view user, std::string_view device, std::string_view room_name,
                          std::string_view payload, const ReadProperties& read_properties, int protocol) {
  const Properties properties = protocol == 5 ? read_properties() : Properties{};
  const auto trace = begin_trace(properties);
  const auto begin_us = trace ? wire::trace_time_us() : 0;
  auto content =
      wire::parse_content(payload, core_.options.max_content_bytes, properties.content_type, properties.ref);
  if (!content)
    return core_.refuse(user, {content.error().code, content.error().reason},
                        {.room = room_name,
                         .ref = wire::peek_ref(payload, core_.options.max_content_bytes, properties.ref),
                         .device = device});

  const auto account = core_.live().find_user(user);
  const auto room = core_.live().find_room(room_name);
  if (!account || !room)
    return core_.refuse(user, failure(Code::not_a_member),
                        {.room = room_name, .ref = content->ref, .device = device});
  const auto last = std::max(room->last_seq, core_.sequencer->last_seq(room->id));
  if (content->refers_to > last)
    return core_.refuse(
        user, {Code::above_last_seq, "The room's last message has number " + std::to_string(last) + "."},
        {.room = room_name, .ref = content->ref, .device = device});
  const auto role = core_.live().role(account->ref, room->ref);
  const SequencerEntry entry{.room = {room->id, room->name, room->epoch, room->last_seq},
                             .user = user,
                             .device = device,
                             .role = wire::role_name(role),
                             .type = content->type,
                             .ref = content->ref,
                             .content = content->json};
  std::chrono::seconds wait{0};
  const auto held = held_back(*account, *room, role, wait);
  // A repeat of what was taken before is told so, whatever holds now.
  if (held && !core_.sequencer->is_repeat(entry, core_.clock.wall()))
    return core_.refuse(user, *held,
                        {.room = room_name, .ref = content->ref, .wait = wait, .device = device});
  const auto result = core_.sequencer->put(entry, core_.clock.wall());
  if (const auto* accepted = std::get_if<Accepted>(&result)) {
    ++core_.counters.messages;
    if (core_.logs(LogLevel::debug))
      core_.log(LogLevel::debug, accepted_line(accepted->id, {.room = room->name,
                                                              .user = user,
                                                              .device = device,
                                                              .type = content->type,
                                                              .ref = content->ref,
                                                              .seq = accepted->seq}));
    if (in_slow_mode(*room, role)) core_.pace.sent(user, room->id, core_.clock.steady());
    deliver(room->name, *accepted);
    if (trace) tell_trace(*trace, *room, *accepted, begin_us);
    return true;
  }
  if (const auto* duplicate = std::get_if<Duplicate>(&result)) {
    ++core_.counters.duplicates;
    if (core_.logs(LogLevel::debug))
      core_.log(LogLevel::debug, repeated_line({.room = room->name,
                                                .user = user,
                                                .device = device,
                                                .ref = content->ref,
                                                .seq = duplicate->seq}));
    core_.notices.duplicate(user, room_name, content->ref, duplicate->seq);
    return true;
  }
  const auto& refused = std::get<Refused>(result);
  return core_.refuse(user, {refused.code, refused.reason},
                      {.room = room_name, .ref = content->ref, .device = device});
}

void Intake::deliver(std::string_view room, const Accepted& accepted) {
  if (accepted.imported) return;
  topic_.assign("rooms/").append(room).append("/messages");
  core_.broker.publish(topic_.c_str(), accepted.envelope, 1);
}

std::optional<wire::TraceParent> Intake::begin_trace(const Properties& properties) {
  const auto& options = core_.options;
  if (options.trace_rate <= 0 || core_.backend.client_id().empty()) return std::nullopt;
  auto parent = wire::parse_traceparent(properties.traceparent);
  if (parent && !parent->sampled) return std::nullopt;
  if (!parent) {
    constexpr double kWhole = 18446744073709551616.0;    // 2^64
    if (options.trace_sample <= 0) return std::nullopt;  // and no message pays for a random number
    if (static_cast<double>(random_u64()) / kWhole >= options.trace_sample) return std::nullopt;
    parent = wire::TraceParent{.trace_id = wire::new_trace_id(), .sampled = true};
  }
  const TokenBucket::Pace pace({options.trace_rate, std::max(1.0, options.trace_rate)});
  if (!traces_.try_take(pace, core_.clock.steady())) return std::nullopt;
  return parent;
}

// Ahead of the feed batch with the message, on the same connection.
void Intake::tell_trace(const wire::TraceParent& parent, const RoomView& room, const Accepted& accepted,
                        std::int64_t begin_us) {
  const wire::MessageTrace trace{.trace_id = parent.trace_id,
                                 .parent_id = parent.span_id,
                                 .span_id = wire::new_span_id(),
                                 .room_id = room.id,
                                 .room = std::string(room.name),
                                 .seq = accepted.seq,
                                 .id = format_ulid(accepted.id),
                                 .begin_us = begin_us,
                                 .end_us = std::max(begin_us, wire::trace_time_us())};
  core_.broker.publish_to(core_.backend.client_id().c_str(), wire::kTraceTopic.data(),
                          wire::format_message_trace(trace), 0);
}

// What releases run here is for administrators.
std::string Intake::why_unanswered(std::string_view user) const {
  const auto account = core_.live().find_user(user);
  if (!core_.backend.mismatch.empty() && account && account->admin) return core_.backend.mismatch;
  return "The backend that answers requests is not connected; try again later.";
}

bool Intake::request(const Session& session, const wire::Topic& topic, std::string_view payload,
                     const ReadProperties& read_properties, std::string& payload_after) {
  const std::string_view user = session.user;
  auto refuse = [&](const wire::Failure& why) {
    return core_.refuse(
        user, why,
        {.method = topic.method, .id = request_id(user, topic.method, payload), .device = session.device});
  };
  if (payload.size() > wire::kRequestMax)
    return core_.refuse(user, failure(Code::too_large), {.method = topic.method, .device = session.device});
  if (core_.backend.client_id().empty()) return refuse({Code::unavailable, why_unanswered(user)});
  const Properties properties = read_properties();
  if (!properties.response_topic.empty() && !own_reply_topic(user, properties.response_topic))
    return refuse({Code::not_allowed,
                   "The Response Topic must be users/" + std::string(user) + "/replies or below it."});
  payload_after = wire::with_origin(payload, session.device, session.address);
  ++core_.counters.requests;
  return true;
}

Intake::Appended Intake::append(const wire::AppendEntry& entry) {
  const auto room = core_.live().find_room(entry.room);
  if (!room) return {.gone = true};
  const auto result = core_.sequencer->put({.room = {room->id, room->name, room->epoch, room->last_seq},
                                            .user = entry.from,
                                            .role = entry.role,
                                            .type = entry.type,
                                            .ref = entry.ref,
                                            .content = entry.content,
                                            .by_backend = true,
                                            .imported = entry.imported,
                                            .sent_at = entry.sent_at},
                                           core_.clock.wall());
  if (const auto* refused = std::get_if<Refused>(&result)) return {.refused = refused->code};
  if (const auto* duplicate = std::get_if<Duplicate>(&result)) return {.seq = duplicate->seq};
  const auto& accepted = std::get<Accepted>(result);
  ++core_.counters.appended;
  deliver(room->name, accepted);
  return {.seq = accepted.seq};
}

}  // namespace parley::plugin
