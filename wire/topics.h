#pragma once
#include <string>
#include <string_view>

// The topics of topics.md §2, parsed and formatted. Pure; views point into the topic that was parsed.
namespace parley::wire {

enum class TopicKind {
  other,             // not Parley's: does not begin with rooms/ users/ $parley/ $CONTROL/parley
  unknown,           // in Parley's space, but no topic of the contract (denied to everyone)
  room_send,         // rooms/{room}/send
  room_messages,     // rooms/{room}/messages
  room_typing,       // rooms/{room}/typing/{user}
  room_receipts,     // rooms/{room}/receipts/{user}
  room_presence,     // rooms/{room}/presence/{user}
  room_state,        // rooms/{room}/state
  user_request,      // users/{user}/requests/{method}
  user_reply,        // users/{user}/replies  or  users/{user}/replies/…
  user_inbox,        // users/{user}/inbox
  device_status,     // users/{user}/devices/{device}/status
  parley_internal,   // $parley/…
  control,           // $CONTROL/parley/…
};

struct Topic {
  TopicKind kind = TopicKind::other;
  std::string_view room = {};    // of room_*
  std::string_view user = {};    // of user_*, device_status, room_typing, room_receipts, room_presence
  std::string_view device = {};  // of device_status
  std::string_view method = {};  // of user_request
};

// Names inside (methods too) must be legal and the topic at most kTopicMax bytes, else the kind is `unknown`. `topic` must
// be a topic, not a filter.
// "rooms" and "users" alone, "$CONTROL/parley" and "$parley" alone are `unknown`. $CONTROL/ of other plugins is `other`.
Topic parse_topic(std::string_view topic);

std::string room_topic(TopicKind kind, std::string_view room, std::string_view user = {});
std::string user_topic(TopicKind kind, std::string_view user, std::string_view last = {});  // last: method, or reply suffix
std::string device_status_topic(std::string_view user, std::string_view device);

inline constexpr std::string_view kControlTopic = "$CONTROL/parley/v1";
inline constexpr std::string_view kFeedTopic = "$parley/feed";
inline constexpr std::string_view kControlReplyTopic = "$parley/control";
inline constexpr std::string_view kEventsTopic = "$parley/events";

// --- filters (what SUBSCRIBE carries) ---

// "$share/group/filter" → "filter", also with an empty group (Mosquitto takes it); others as they are.
std::string_view strip_share(std::string_view filter);

// MQTT's matching rule (MQTT 5 §4.7), `$` rule included: a leading wildcard matches no topic that begins with `$`.
// A filter with `#` before its last level is illegal and matches nothing.
bool matches(std::string_view filter, std::string_view topic);

// Can one topic match both `filter` and `pattern`? A pattern is a filter whose `+` stands for legal names only; `$` rule included.
bool overlaps(std::string_view filter, std::string_view pattern);

// What a filter reaches of Parley's topics: those parse_topic gives a kind that is neither `other` nor `unknown`.
struct Filter {
  enum class Reach {
    none,        // can match no Parley topic: sensors/#, +/sensor/temp (as third level, `temp` is none of ours), +
    room,        // every Parley topic it can match is in room `name`  (rooms/lab/#, rooms/lab/+/bob …)
    user,        // every Parley topic it can match is in user `name`'s space
    internal,    // $parley/… or $CONTROL/parley/…, or what can match those: $CONTROL/#
    many,        // can match topics of several rooms, users, or both: #, +/#, rooms/+/messages, +/lab/#
  };
  Reach reach = Reach::none;
  std::string_view name = {};       // room or user, as written; legal
  std::string_view rest = {};       // after "rooms/{room}/" or "users/{user}/": "messages", "#", "" for "rooms/lab"
};
// `filter` after strip_share. A literal that is not a legal name ("rooms/a b/#") reaches nothing of Parley's that exists, and is
// given as Reach::many so that it is denied; so are "rooms" and "users" alone and such filters above kTopicMax bytes.
Filter parse_filter(std::string_view filter);

}  // namespace parley::wire
