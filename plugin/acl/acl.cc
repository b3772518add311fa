#include "plugin/acl/acl.h"

#include <algorithm>
#include <array>

#include "wire/names.h"
#include "wire/topics.h"

namespace parley::plugin {
namespace {

using wire::Role;
using wire::Topic;
using wire::TopicKind;

// What can be read, by whom it can be; `+` stands for a legal name.
constexpr std::array<std::string_view, 3> kRoomShared{"rooms/+/messages", "rooms/+/state",
                                                      "rooms/+/presence/+"};
constexpr std::array<std::string_view, 2> kOfMembers{"rooms/+/typing/+", "rooms/+/receipts/+"};
constexpr std::array<std::string_view, 2> kOwnReadable{"users/+/inbox", "users/+/replies/#"};
constexpr std::string_view kStatus = "users/+/devices/+/status";
constexpr std::string_view kRequests = "users/+/requests/+";

template <std::size_t N>
bool overlaps_any(std::string_view filter, const std::array<std::string_view, N>& patterns) {
  return std::any_of(patterns.begin(), patterns.end(), [&](auto p) { return wire::overlaps(filter, p); });
}

bool overlaps_room_readable(std::string_view filter) {
  return overlaps_any(filter, kRoomShared) || overlaps_any(filter, kOfMembers);
}

AclDecision allow_if(bool yes) {
  return yes ? AclDecision::allow : AclDecision::deny;
}

AclDecision outside(const AclQuery& q, std::string_view topic) {
  const bool control = topic.starts_with("$CONTROL/");
  return control && q.other_topics == AclDecision::allow ? AclDecision::defer : q.other_topics;
}

bool may_read_room(const UserView& user, const Place& place) {
  return user.admin || place.standing.role >= Role::reader;
}

bool is_channel(const Place& place) {
  return place.room && place.room->kind == wire::RoomKind::channel;
}

bool may_read(const Place& place, const Topic& topic) {
  const UserView& user = *place.user;
  switch (topic.kind) {
    case TopicKind::room_messages:
    case TopicKind::room_state:
    case TopicKind::room_presence:
      return may_read_room(user, place);
    case TopicKind::room_typing:
    case TopicKind::room_receipts:
      return may_read_room(user, place) && (!is_channel(place) || user.admin || topic.user == user.name);
    case TopicKind::user_reply:
    case TopicKind::user_inbox:
      return topic.user == user.name;
    case TopicKind::device_status:
      return topic.user == user.name || user.admin;
    default:
      return false;
  }
}

bool may_write(const Place& place, const Topic& topic, std::string_view device) {
  const UserView& user = *place.user;
  switch (topic.kind) {
    case TopicKind::room_send:
      return place.room && wire::may_send(place.standing.role, place.room->kind);
    case TopicKind::room_typing:
    case TopicKind::room_receipts:
      return topic.user == user.name && place.standing.role >= Role::reader;
    case TopicKind::user_request:
      return topic.user == user.name;
    case TopicKind::device_status:
      return topic.user == user.name && topic.device == device;
    default:
      return false;
  }
}

bool backend_may_read(TopicKind kind) {
  switch (kind) {
    case TopicKind::room_messages:
    case TopicKind::room_state:
    case TopicKind::room_typing:
    case TopicKind::room_receipts:
    case TopicKind::room_presence:
    case TopicKind::user_request:
    case TopicKind::device_status:
    case TopicKind::parley_internal:
      return true;
    default:
      return false;
  }
}

bool backend_may_write(TopicKind kind, std::string_view topic) {
  switch (kind) {
    case TopicKind::room_state:
    case TopicKind::room_receipts:
    case TopicKind::room_presence:
    case TopicKind::user_inbox:
    case TopicKind::user_reply:
    case TopicKind::device_status:
      return true;
    case TopicKind::control:
      return topic == wire::kControlTopic;
    default:
      return false;
  }
}

bool backend_may_subscribe(std::string_view filter, wire::Filter::Reach reach) {
  if (reach == wire::Filter::Reach::internal) return filter.starts_with("$parley/");
  return overlaps_room_readable(filter) || wire::overlaps(filter, kRequests) ||
         wire::overlaps(filter, kStatus);
}

// Can a filter's level number `level`, from 0, be `name`?
bool level_may_be(std::string_view filter, int level, std::string_view name) {
  for (; level > 0; --level) {
    const std::size_t slash = filter.find('/');
    if (slash == std::string_view::npos) return filter == "#";
    filter.remove_prefix(slash + 1);
  }
  const std::string_view at = filter.substr(0, filter.find('/'));
  return at == "+" || at == "#" || at == name;
}

// Of a channel one reads no more than one's own receipts: of thousands of readers they would be a flood.
bool may_subscribe_room(const Place& place, std::string_view filter) {
  if (overlaps_any(filter, kRoomShared)) return true;
  if (!overlaps_any(filter, kOfMembers)) return false;
  return !is_channel(place) || place.user->admin || level_may_be(filter, 3, place.user->name);
}

bool may_subscribe(const Place& place, std::string_view filter, const wire::Filter& parsed) {
  const UserView& user = *place.user;
  switch (parsed.reach) {
    case wire::Filter::Reach::room:
      return may_subscribe_room(place, filter) && may_read_room(user, place);
    case wire::Filter::Reach::user:
      if (parsed.name != user.name) return user.admin && wire::overlaps(filter, kStatus);
      return overlaps_any(filter, kOwnReadable) || wire::overlaps(filter, kStatus);
    case wire::Filter::Reach::many:
      if (!user.admin) return false;
      return overlaps_room_readable(filter) || wire::overlaps(filter, kStatus) ||
             (overlaps_any(filter, kOwnReadable) && level_may_be(filter, 1, user.name));
    default:
      return false;
  }
}

// What is known of the asker, and of the room, "" when none is asked about.
Place place_of(const Directory& directory, const UserKey& user, std::string_view room) {
  return room.empty() ? Place{.user = directory.find_user(user)} : directory.find(user, room);
}

AclDecision decide_subscribe(const Directory& directory, const UserKey& user, const AclQuery& q) {
  const std::string_view filter = wire::strip_share(q.topic);
  const wire::Filter parsed = wire::parse_filter(filter);
  const bool ours = parsed.reach != wire::Filter::Reach::none;
  if (q.backend) return ours ? allow_if(backend_may_subscribe(filter, parsed.reach)) : outside(q, filter);
  const bool one_room = parsed.reach == wire::Filter::Reach::room;
  const Place place = place_of(directory, user, one_room ? parsed.name : std::string_view{});
  if (place.user && place.user->disabled) return AclDecision::deny;
  if (!ours) return outside(q, filter);
  return allow_if(place.user && may_subscribe(place, filter, parsed));
}

AclDecision decide_unsubscribe(const AclQuery& q) {
  const bool ours = wire::parse_filter(wire::strip_share(q.topic)).reach != wire::Filter::Reach::none;
  return ours || q.other_topics == AclDecision::allow ? AclDecision::allow : AclDecision::defer;
}

AclDecision decide_topic(const Directory& directory, const UserKey& user, const AclQuery& q) {
  const Topic topic = wire::parse_topic(q.topic);
  const bool ours = topic.kind != TopicKind::other, reads = q.access == Access::read;
  if (q.backend) {
    if (!ours) return outside(q, q.topic);
    return allow_if(reads ? backend_may_read(topic.kind) : backend_may_write(topic.kind, q.topic));
  }
  const Place place = place_of(directory, user, topic.room);
  if (place.user && place.user->disabled) return AclDecision::deny;
  if (!ours) return outside(q, q.topic);
  if (!place.user) return AclDecision::deny;
  return allow_if(reads ? may_read(place, topic) : may_write(place, topic, q.device));
}

}  // namespace

AclDecision decide(const Directory& directory, const AclQuery& q) {
  if (q.access == Access::unsubscribe) return decide_unsubscribe(q);
  const UserKey user = directory.begin(q.user);  // found while the topic is taken apart
  return q.access == Access::subscribe ? decide_subscribe(directory, user, q)
                                       : decide_topic(directory, user, q);
}

}  // namespace parley::plugin
