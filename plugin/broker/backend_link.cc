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
  urgent_ |= event.event == "user.new";  // their requests may follow at once
  events_.push_back(std::move(event));
}

void BackendLink::flush(SteadyTime now) {
  for (const auto& [client_id, reply] : answers_)
    broker_.publish_to(client_id.c_str(), wire::kControlReplyTopic.data(), reply, 1);
  answers_.clear();
  if (overflow_)
    broker_.publish_to(client_id_.c_str(), wire::kEventsTopic.data(), wire::format_event({.event = "reset"}),
                       1);
  overflow_ = false;
  if (urgent_ || now - flushed_ >= kEventsEvery) flush_events(now);
}

void BackendLink::flush_events(SteadyTime now) {
  std::string lines;
  for (const auto& event : events_) {
    lines += wire::format_event(event) + "\n";
    if (lines.size() < kEventBytes && &event != &events_.back()) continue;
    broker_.publish_to(client_id_.c_str(), wire::kEventsTopic.data(), lines, 1);
    lines.clear();
  }
  events_.clear();
  flushed_ = now;
  urgent_ = false;
}

}  // namespace parley::plugin
