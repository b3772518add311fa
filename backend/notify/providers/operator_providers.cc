#include "backend/notify/providers/operator_providers.h"

#include <poll.h>
#include <unistd.h>

#include <climits>
#include <utility>

#include "backend/notify/providers/answers.h"
#include "backend/notify/providers/notification_json.h"
#include "base/encoding.h"
#include "wire/limits.h"
#include "wire/topics.h"

namespace parley::backend {
namespace {

constexpr std::string_view kUserMark = "{user}";

std::string for_user(std::string topic, const std::string& user) {
  for (auto at = topic.find(kUserMark); at != std::string::npos; at = topic.find(kUserMark, at + user.size()))
    topic.replace(at, kUserMark.size(), user);
  return topic;
}

bool takes_a_line(int fd) {
  pollfd waiting{.fd = fd, .events = POLLOUT, .revents = 0};
  return ::poll(&waiting, 1, 0) == 1 && (waiting.revents & POLLOUT) != 0 && (waiting.revents & POLLERR) == 0;
}

}  // namespace

Result<> check_mqtt_topic(const std::string& topic) {
  const auto example = for_user(topic, std::string(wire::kNameMax, 'u'));
  if (topic.empty() || example.size() > wire::kTopicMax || !valid_utf8(topic) ||
      example.find_first_of("+#") != std::string::npos)
    return fail(Errc::invalid_argument, "must be a topic of MQTT, without wildcards.");
  // A name may be any word of Parley's own topics too.
  for (const auto& user :
       {example, for_user(topic, "rooms"), for_user(topic, "users"), for_user(topic, "$parley")})
    if (user.starts_with('$') || wire::parse_topic(user).kind != wire::TopicKind::other)
      return fail(Errc::invalid_argument, "must not be one of Parley's topics or the broker's.");
  return {};
}

void MqttProvider::send(const Notification& notification, const Registration& to, Done done) {
  const auto& user = notification.user.empty() ? to.user : notification.user;
  const auto published =
      publisher_.publish({.topic = for_user(topic_, user), .payload = notification_text(notification)});
  done(published ? sent() : retry("There is no connection to the broker, or too much waits for it"));
}

void StdoutProvider::send(const Notification& notification, const Registration&, Done done) {
  const auto line = encode_within(notification, PIPE_BUF - 1, notification_text) + '\n';
  if (line.size() > PIPE_BUF) return done(refused("It is too long for a line"));
  ssize_t written = -1;
  {
    const std::lock_guard lock(mutex_);
    if (takes_a_line(fd_)) written = ::write(fd_, line.data(), line.size());
  }
  const bool whole = written == static_cast<ssize_t>(line.size());
  done(whole ? sent() : retry("Nobody reads standard output, or not fast enough"));
}

}  // namespace parley::backend
