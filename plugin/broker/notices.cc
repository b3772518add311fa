#include "plugin/broker/notices.h"

#include "wire/content.h"
#include "wire/topics.h"

namespace parley::plugin {

void Notices::refused(std::string_view user, const wire::Failure& failure, const About& about,
                      SteadyTime now) {
  if (!rate_.try_take(user, now)) {
    ++counters_.notices_dropped;
    return;
  }
  const auto topic = wire::user_topic(wire::TopicKind::user_inbox, user);
  const auto ref = about.unread.empty() ? about.ref : wire::peek_ref(about.unread, about.unread.size());
  broker_.publish(topic.c_str(),
                  wire::format_refused(failure, about.room, ref, about.method, about.id,
                                       static_cast<std::uint64_t>(about.wait.count())),
                  1);
}

void Notices::duplicate(std::string_view user, std::string_view room, std::string_view ref,
                        std::uint64_t seq) {
  const auto topic = wire::user_topic(wire::TopicKind::user_inbox, user);
  broker_.publish(topic.c_str(), wire::format_duplicate(room, ref, seq), 1);
}

}  // namespace parley::plugin
