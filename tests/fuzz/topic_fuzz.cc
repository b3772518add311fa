// Any bytes as topic and filter: fast matching equals the slow reference, and what parse_filter says of a
// filter holds.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "wire/names.h"
#include "wire/topic_reference.h"
#include "wire/topics.h"

namespace {

using namespace parley::wire;

void require(bool ok) {
  if (!ok) std::abort();
}

bool ours(TopicKind kind) {
  return kind != TopicKind::other && kind != TopicKind::unknown;
}

bool has_wildcard(std::string_view topic) {
  return topic.find_first_of("+#") != std::string_view::npos;
}

// What was parsed, formatted again, is the topic.
void check_topic(std::string_view topic) {
  const Topic t = parse_topic(topic);
  for (std::string_view name : {t.room, t.user, t.device, t.method})
    require(name.empty() || valid_name(name));
  switch (t.kind) {
    case TopicKind::room_send:
    case TopicKind::room_messages:
    case TopicKind::room_state:
      return require(room_topic(t.kind, t.room) == topic && t.user.empty());
    case TopicKind::room_typing:
    case TopicKind::room_receipts:
    case TopicKind::room_presence:
      return require(room_topic(t.kind, t.room, t.user) == topic);
    case TopicKind::user_request:
      return require(user_topic(t.kind, t.user, t.method) == topic);
    case TopicKind::user_inbox:
      return require(user_topic(t.kind, t.user) == topic);
    case TopicKind::user_reply:
      return require(topic.starts_with(user_topic(t.kind, t.user)));
    case TopicKind::device_status:
      return require(device_status_topic(t.user, t.device) == topic);
    case TopicKind::parley_internal:
      return require(topic.starts_with("$parley/"));
    case TopicKind::control:
      return require(topic.starts_with("$CONTROL/parley/"));
    case TopicKind::other:
    case TopicKind::unknown:
      return require(t.room.empty() && t.user.empty() && t.device.empty() && t.method.empty());
  }
}

void check_filter(std::string_view filter, std::string_view topic) {
  static const std::vector<std::string> samples = sample_parley_topics();
  require(matches(filter, topic) == reference_matches(filter, topic));
  const Filter parsed = parse_filter(filter);
  const bool named = parsed.reach == Filter::Reach::room || parsed.reach == Filter::Reach::user;
  require(named ? valid_name(parsed.name) : parsed.name.empty() && parsed.rest.empty());
  for (const std::string& sample : samples) require(reach_holds(parsed, filter, sample));
  if (ours(parse_topic(topic).kind) && !has_wildcard(topic)) require(reach_holds(parsed, filter, topic));
}

}  // namespace

// Filter and topic are parted by the first newline.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t newline = input.find('\n');
  const std::string_view filter = input.substr(0, newline);
  const std::string_view topic = newline == std::string_view::npos ? filter : input.substr(newline + 1);
  check_topic(filter);
  check_topic(topic);
  check_filter(filter, topic);
  check_filter(strip_share(filter), topic);
  return 0;
}
