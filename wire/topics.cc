#include "wire/topics.h"

#include <array>
#include <cassert>

#include "wire/limits.h"
#include "wire/names.h"

namespace parley::wire {
namespace {

constexpr std::string_view kRooms = "rooms";
constexpr std::string_view kUsers = "users";
constexpr std::string_view kParley = "$parley";
constexpr std::string_view kControl = "$CONTROL";

// Every topic of the contract that a leading wildcard can reach; `+` stands for a name.
constexpr std::array<std::string_view, 10> kPatterns{
    "rooms/+/send",       "rooms/+/messages",        "rooms/+/typing/+", "rooms/+/receipts/+",
    "rooms/+/presence/+", "rooms/+/state",           "users/+/inbox",    "users/+/requests/+",
    "users/+/replies/#",  "users/+/devices/+/status"};

// Takes topics and filters apart, level by level, without copying. An empty text has one level, which is
// empty.
class Levels {
 public:
  explicit Levels(std::string_view text) : rest_(text) {}
  bool done() const { return done_; }
  std::string_view rest() const { return rest_; }
  // Only while !done().
  std::string_view next() {
    const std::size_t slash = rest_.find('/');
    const std::string_view level = rest_.substr(0, slash);
    done_ = slash == std::string_view::npos;
    rest_.remove_prefix(done_ ? rest_.size() : slash + 1);
    return level;
  }

 private:
  std::string_view rest_;
  bool done_ = false;
};

Topic room_kind(std::string_view room, Levels& levels) {
  const std::string_view what = levels.next();
  if (levels.done()) {
    if (what == "send") return {.kind = TopicKind::room_send, .room = room};
    if (what == "messages") return {.kind = TopicKind::room_messages, .room = room};
    if (what == "state") return {.kind = TopicKind::room_state, .room = room};
    return {.kind = TopicKind::unknown};
  }
  const std::string_view user = levels.next();
  if (!levels.done() || !valid_name(user)) return {.kind = TopicKind::unknown};
  if (what == "typing") return {.kind = TopicKind::room_typing, .room = room, .user = user};
  if (what == "receipts") return {.kind = TopicKind::room_receipts, .room = room, .user = user};
  if (what == "presence") return {.kind = TopicKind::room_presence, .room = room, .user = user};
  return {.kind = TopicKind::unknown};
}

Topic user_kind(std::string_view user, Levels& levels) {
  const std::string_view what = levels.next();
  if (what == "replies") return {.kind = TopicKind::user_reply, .user = user};
  if (what == "inbox" && levels.done()) return {.kind = TopicKind::user_inbox, .user = user};
  if (levels.done()) return {.kind = TopicKind::unknown};
  const std::string_view name = levels.next();
  if (!valid_name(name)) return {.kind = TopicKind::unknown};
  if (what == "requests" && levels.done()) {
    return {.kind = TopicKind::user_request, .user = user, .method = name};
  }
  if (what == "devices" && levels.rest() == "status" && !levels.done()) {
    return {.kind = TopicKind::device_status, .user = user, .device = name};
  }
  return {.kind = TopicKind::unknown};
}

std::string_view room_tail(TopicKind kind) {
  switch (kind) {
    case TopicKind::room_send:
      return "/send";
    case TopicKind::room_messages:
      return "/messages";
    case TopicKind::room_typing:
      return "/typing/";
    case TopicKind::room_receipts:
      return "/receipts/";
    case TopicKind::room_presence:
      return "/presence/";
    case TopicKind::room_state:
      return "/state";
    default:
      assert(!"not a room's topic");
      return {};
  }
}

std::string join(std::string_view space, std::string_view name, std::string_view tail,
                 std::string_view last) {
  std::string out;
  out.reserve(space.size() + name.size() + tail.size() + last.size() + 1);
  return out.append(space).append("/").append(name).append(tail).append(last);
}

Filter::Reach leading_wildcard_reach(std::string_view filter) {
  for (std::string_view pattern : kPatterns) {
    if (overlaps(filter, pattern)) return Filter::Reach::many;
  }
  return Filter::Reach::none;
}

Filter named_reach(std::string_view filter, Filter::Reach reach, Levels& levels) {
  if (levels.done() || filter.size() > kTopicMax) return {.reach = Filter::Reach::many};
  const std::string_view name = levels.next();
  if (!valid_name(name)) return {.reach = Filter::Reach::many};
  return {.reach = reach, .name = name, .rest = levels.rest()};
}

Filter::Reach control_reach(Levels& levels) {
  if (levels.done()) return Filter::Reach::none;
  const std::string_view plugin = levels.next();
  const bool reaches = plugin == "parley" || plugin == "#" || (plugin == "+" && !levels.done());
  return reaches ? Filter::Reach::internal : Filter::Reach::none;
}

}  // namespace

Topic parse_topic(std::string_view topic) {
  Levels levels(topic);
  const std::string_view space = levels.next();
  const bool rooms = space == kRooms;
  if (rooms || space == kUsers) {
    if (levels.done() || topic.size() > kTopicMax) return {.kind = TopicKind::unknown};
    const std::string_view name = levels.next();
    if (levels.done() || !valid_name(name)) return {.kind = TopicKind::unknown};
    return rooms ? room_kind(name, levels) : user_kind(name, levels);
  }
  if (space == kParley) return {.kind = levels.done() ? TopicKind::unknown : TopicKind::parley_internal};
  if (space != kControl || levels.done() || levels.next() != "parley") return {.kind = TopicKind::other};
  return {.kind = levels.done() ? TopicKind::unknown : TopicKind::control};
}

std::string room_topic(TopicKind kind, std::string_view room, std::string_view user) {
  return join(kRooms, room, room_tail(kind), user);
}

std::string user_topic(TopicKind kind, std::string_view user, std::string_view last) {
  switch (kind) {
    case TopicKind::user_request:
      return join(kUsers, user, "/requests/", last);
    case TopicKind::user_reply:
      return join(kUsers, user, last.empty() ? "/replies" : "/replies/", last);
    case TopicKind::user_inbox:
      return join(kUsers, user, "/inbox", {});
    default:
      assert(!"not a user's topic");
      return {};
  }
}

std::string device_status_topic(std::string_view user, std::string_view device) {
  return join(kUsers, user, "/devices/", device).append("/status");
}

std::string_view strip_share(std::string_view filter) {
  constexpr std::string_view kShare = "$share/";
  if (!filter.starts_with(kShare)) return filter;
  const std::size_t slash = filter.find('/', kShare.size());
  return slash == std::string_view::npos ? filter : filter.substr(slash + 1);
}

bool matches(std::string_view filter, std::string_view topic) {
  if (topic.starts_with('$') && !filter.starts_with('$')) return false;
  Levels f(filter), t(topic);
  while (!f.done() && !t.done()) {
    const std::string_view level = f.next();
    if (level == "#") return f.done();
    const std::string_view name = t.next();
    if (level != "+" && level != name) return false;
  }
  if (f.done()) return t.done();
  return f.rest() == "#";  // `a/#` matches `a` too
}

bool overlaps(std::string_view filter, std::string_view pattern) {
  if (pattern.starts_with('$') && !filter.starts_with('$')) return false;
  Levels f(filter), p(pattern);
  while (!f.done() && !p.done()) {
    const std::string_view a = f.next(), b = p.next();
    if (a == "#" || b == "#") return true;
    if (a == "+") continue;
    if (b == "+" ? !valid_name(a) : a != b) return false;
  }
  if (f.done() && p.done()) return true;
  return f.done() ? p.rest() == "#" : f.rest() == "#";
}

Filter parse_filter(std::string_view filter) {
  Levels levels(filter);
  const std::string_view space = levels.next();
  if (space == "#" || space == "+") return {.reach = leading_wildcard_reach(filter)};
  if (space == kRooms) return named_reach(filter, Filter::Reach::room, levels);
  if (space == kUsers) return named_reach(filter, Filter::Reach::user, levels);
  if (space == kParley) return {.reach = Filter::Reach::internal};
  if (space == kControl) return {.reach = control_reach(levels)};
  return {};
}

}  // namespace parley::wire
