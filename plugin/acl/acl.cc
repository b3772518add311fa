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
constexpr std::array<std::string_view, 5> kRoomReadable{
    "rooms/+/messages", "rooms/+/state", "rooms/+/typing/+", "rooms/+/receipts/+", "rooms/+/presence/+"};
constexpr std::array<std::string_view, 2> kOwnReadable{"users/+/inbox", "users/+/replies/#"};
constexpr std::string_view kStatus = "users/+/devices/+/status";
constexpr std::string_view kRequests = "users/+/requests/+";

template <std::size_t N>
bool overlaps_any(std::string_view filter, const std::array<std::string_view, N>& patterns) {
  return std::any_of(patterns.begin(), patterns.end(), [&](auto p) { return wire::overlaps(filter, p); });
}

AclDecision allow_if(bool yes) {
  return yes ? AclDecision::allow : AclDecision::deny;
}

AclDecision outside(const AclQuery& q, std::string_view topic) {
  const bool control = topic.starts_with("$CONTROL/");
  return control && q.other_topics == AclDecision::allow ? AclDecision::defer : q.other_topics;
}

Role role_in(const Directory& directory, const UserView& user, std::string_view room_name) {
  const auto room = directory.find_room(room_name);
  return room ? directory.role(user.ref, room->ref) : Role::none;
}

bool may_read_room(const Directory& directory, const UserView& user, std::string_view room) {
  return user.admin || role_in(directory, user, room) >= Role::reader;
}

bool may_send_to(const Directory& directory, const UserView& user, std::string_view room_name) {
  const auto room = directory.find_room(room_name);
  return room && wire::may_send(directory.role(user.ref, room->ref), room->kind);
}

bool may_read(const Directory& directory, const UserView& user, const Topic& topic) {
  switch (topic.kind) {
    case TopicKind::room_messages:
    case TopicKind::room_state:
    case TopicKind::room_typing:
    case TopicKind::room_receipts:
    case TopicKind::room_presence:
      return may_read_room(directory, user, topic.room);
    case TopicKind::user_reply:
    case TopicKind::user_inbox:
      return topic.user == user.name;
    case TopicKind::device_status:
      return topic.user == user.name || user.admin;
    default:
      return false;
  }
}

bool may_write(const Directory& directory, const UserView& user, const Topic& topic,
               std::string_view device) {
  switch (topic.kind) {
    case TopicKind::room_send:
      return may_send_to(directory, user, topic.room);
    case TopicKind::room_typing:
    case TopicKind::room_receipts:
      return topic.user == user.name && role_in(directory, user, topic.room) >= Role::reader;
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
  return overlaps_any(filter, kRoomReadable) || wire::overlaps(filter, kRequests) ||
         wire::overlaps(filter, kStatus);
}

// Can a filter that names no user literally first match topics of this one's?
bool second_level_is(std::string_view filter, std::string_view name) {
  const std::size_t slash = filter.find('/');
  if (slash == std::string_view::npos) return filter == "#";
  const std::string_view second = filter.substr(slash + 1, filter.find('/', slash + 1) - slash - 1);
  return second == "+" || second == "#" || second == name;
}

bool may_subscribe(const Directory& directory, const UserView& user, std::string_view filter,
                   const wire::Filter& parsed) {
  switch (parsed.reach) {
    case wire::Filter::Reach::room:
      return overlaps_any(filter, kRoomReadable) && may_read_room(directory, user, parsed.name);
    case wire::Filter::Reach::user:
      if (parsed.name != user.name) return user.admin && wire::overlaps(filter, kStatus);
      return overlaps_any(filter, kOwnReadable) || wire::overlaps(filter, kStatus);
    case wire::Filter::Reach::many:
      if (!user.admin) return false;
      return overlaps_any(filter, kRoomReadable) || wire::overlaps(filter, kStatus) ||
             (overlaps_any(filter, kOwnReadable) && second_level_is(filter, user.name));
    default:
      return false;
  }
}

AclDecision decide_subscribe(const Directory& directory, const std::optional<UserView>& user,
                             const AclQuery& q) {
  const std::string_view filter = wire::strip_share(q.topic);
  const wire::Filter parsed = wire::parse_filter(filter);
  if (parsed.reach == wire::Filter::Reach::none) return outside(q, filter);
  if (q.backend) return allow_if(backend_may_subscribe(filter, parsed.reach));
  return allow_if(user && may_subscribe(directory, *user, filter, parsed));
}

AclDecision decide_unsubscribe(const AclQuery& q) {
  const bool ours = wire::parse_filter(wire::strip_share(q.topic)).reach != wire::Filter::Reach::none;
  return ours || q.other_topics == AclDecision::allow ? AclDecision::allow : AclDecision::defer;
}

}  // namespace

AclDecision decide(const Directory& directory, const AclQuery& q) {
  if (q.access == Access::unsubscribe) return decide_unsubscribe(q);
  const auto user = q.backend ? std::nullopt : directory.find_user(q.user);
  if (user && user->disabled) return AclDecision::deny;
  if (q.access == Access::subscribe) return decide_subscribe(directory, user, q);
  const Topic topic = wire::parse_topic(q.topic);
  if (topic.kind == TopicKind::other) return outside(q, q.topic);
  const bool reads = q.access == Access::read;
  if (q.backend)
    return allow_if(reads ? backend_may_read(topic.kind) : backend_may_write(topic.kind, q.topic));
  if (!user) return AclDecision::deny;
  return allow_if(reads ? may_read(directory, *user, topic) : may_write(directory, *user, topic, q.device));
}

}  // namespace parley::plugin
