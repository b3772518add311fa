#include <optional>
#include <string>

#include "plugin/acl/acl.h"
#include "wire/names.h"
#include "wire/topics.h"

namespace parley::plugin {
namespace {

using wire::Code;
using wire::Refusal;
using wire::Topic;
using wire::TopicKind;

Refusal standard(Code code) {
  return {code, std::string(wire::code_sentence(code))};
}
Refusal not_allowed(std::string reason) {
  return {Code::not_allowed, std::move(reason)};
}

// nullopt when the user is in the room.
std::optional<Refusal> no_part_in(const Directory& directory, const UserView& user,
                                  std::string_view room_name) {
  const auto room = directory.find_room(room_name);
  const Standing standing = room ? directory.standing(user.ref, room->ref) : Standing{};
  if (standing.banned) return standard(Code::banned);
  if (standing.role == wire::Role::none) return standard(Code::not_a_member);
  return std::nullopt;
}

Refusal write_to_room(const Directory& directory, const UserView& user, const Topic& topic) {
  if (auto refusal = no_part_in(directory, user, topic.room)) return *refusal;
  switch (topic.kind) {
    case TopicKind::room_send:
      if (directory.role(user.ref, directory.find_room(topic.room)->ref) == wire::Role::reader) {
        return not_allowed("Readers may not write in a room.");
      }
      return not_allowed("Only moderators and owners write in a channel.");
    case TopicKind::room_typing:
    case TopicKind::room_receipts:
      return not_allowed("You may speak for yourself alone.");
    case TopicKind::room_messages:
      return not_allowed("Messages are sent to rooms/{room}/send.");
    default:
      return not_allowed("Only the server writes here.");
  }
}

Refusal write_elsewhere(const UserView& user, const Topic& topic) {
  switch (topic.kind) {
    case TopicKind::user_request:
      return not_allowed("You may ask in your own name alone.");
    case TopicKind::device_status:
      return not_allowed(topic.user == user.name ? "A device tells its own status alone."
                                                 : "You may speak for yourself alone.");
    case TopicKind::user_reply:
    case TopicKind::user_inbox:
      return not_allowed("Only the server writes here.");
    default:
      return not_allowed("There is no such topic to write to.");
  }
}

Refusal read(const Directory& directory, const UserView& user, const Topic& topic) {
  if (topic.kind == TopicKind::room_send) return not_allowed("Messages are read from rooms/{room}/messages.");
  if (!topic.room.empty())
    return no_part_in(directory, user, topic.room).value_or(standard(Code::not_allowed));
  return standard(Code::not_allowed);
}

Refusal subscribe(const Directory& directory, const UserView& user, std::string_view filter) {
  const wire::Filter parsed = wire::parse_filter(filter);
  switch (parsed.reach) {
    case wire::Filter::Reach::many:
      return not_allowed("A filter must name its room or its user.");
    case wire::Filter::Reach::room:
      if (auto refusal = no_part_in(directory, user, parsed.name)) return *refusal;
      return not_allowed("This filter matches nothing that can be read.");
    case wire::Filter::Reach::user:
      if (parsed.name == user.name) return not_allowed("This filter matches nothing that can be read.");
      return standard(Code::not_allowed);
    default:
      return standard(Code::not_allowed);
  }
}

}  // namespace

Refusal explain(const Directory& directory, const AclQuery& q) {
  const auto user = q.backend ? std::nullopt : directory.find_user(q.user);
  if (!user) return standard(Code::not_allowed);
  if (user->disabled) return standard(Code::disabled);
  if (q.access == Access::subscribe || q.access == Access::unsubscribe) {
    return subscribe(directory, *user, wire::strip_share(q.topic));
  }
  const Topic topic = wire::parse_topic(q.topic);
  if (topic.kind == TopicKind::other) return standard(Code::not_allowed);
  if (q.access == Access::read) return read(directory, *user, topic);
  return topic.room.empty() ? write_elsewhere(*user, topic) : write_to_room(directory, *user, topic);
}

}  // namespace parley::plugin
