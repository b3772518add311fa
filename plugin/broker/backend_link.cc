#include "plugin/broker/backend_link.h"

#include "wire/topics.h"

namespace parley::plugin {

void BackendLink::tell(wire::Event event) {
  if (client_id_.empty()) return;
  if (events_.size() >= kEventsMax) {
    counters_.events_dropped += events_.size() + 1;
    events_.clear();
    overflow_ = true;
    return;
  }
  events_.push_back(std::move(event));
}

void BackendLink::flush() {
  for (const auto& [client_id, reply] : answers_)
    broker_.publish_to(client_id.c_str(), wire::kControlReplyTopic.data(), reply, 1);
  answers_.clear();
  if (overflow_)
    broker_.publish_to(client_id_.c_str(), wire::kEventsTopic.data(), wire::format_event({.event = "reset"}),
                       1);
  overflow_ = false;
  for (const auto& event : events_)
    broker_.publish_to(client_id_.c_str(), wire::kEventsTopic.data(), wire::format_event(event), 1);
  events_.clear();
}

}  // namespace parley::plugin
