#include "backend/tracing/tracer.h"

#include "base/ids.h"

namespace parley::backend {

void Tracer::message(std::string_view payload) {
  if (!sink_) return;
  const auto trace = wire::parse_message_trace(payload);
  if (!trace)
    return log_(LogLevel::warning, "a trace of the plugin is not as it should be: " + trace.error().message);
  {
    std::lock_guard lock(mutex_);
    const Key key{trace->room_id, trace->seq};
    if (traced_.insert_or_assign(key, Traced{trace->trace_id, trace->span_id}).second) order_.push_back(key);
    while (order_.size() > kKept) {
      traced_.erase(order_.front());
      order_.pop_front();
    }
    followed_ = order_.size();
  }
  sink_({.trace_id = trace->trace_id,
         .span_id = trace->span_id,
         .parent_id = trace->parent_id,
         .name = "publish " + trace->room,
         .kind = Span::Kind::server,
         .begin_us = trace->begin_us,
         .end_us = trace->end_us,
         .attributes = {{"messaging.system", "mqtt"},
                        {"messaging.destination.name", "rooms/" + trace->room + "/send"},
                        {"messaging.message.id", trace->id},
                        {"parley.room", trace->room},
                        {"parley.seq", static_cast<std::int64_t>(trace->seq)}}});
}

std::optional<Tracer::Traced> Tracer::find(const Key& key) const {
  std::lock_guard lock(mutex_);
  const auto it = traced_.find(key);
  return it == traced_.end() ? std::nullopt : std::optional(it->second);
}

void Tracer::stored(std::span<const wire::Record> records) {
  if (!active()) return;
  const auto now = wire::trace_time_us();
  for (const auto& record : records)
    if (const auto traced = find({record.room_id, record.seq}))
      sink_({.trace_id = traced->trace_id,
             .span_id = wire::new_span_id(),
             .parent_id = traced->span_id,
             .name = "store",
             .kind = Span::Kind::consumer,
             .begin_us = storing_since_us_,
             .end_us = now,
             .attributes = {{"messaging.message.id", format_ulid(record.id)},
                            {"messaging.batch.message_count", static_cast<std::int64_t>(records.size())}}});
}

void Tracer::notified(std::uint64_t room_id, std::uint64_t seq, const std::string& provider,
                      std::chrono::milliseconds took, const std::string& error) {
  if (!active()) return;
  const auto traced = find({room_id, seq});
  if (!traced) return;
  const auto now = wire::trace_time_us();
  sink_({.trace_id = traced->trace_id,
         .span_id = wire::new_span_id(),
         .parent_id = traced->span_id,
         .name = "notify " + provider,
         .kind = Span::Kind::client,
         .begin_us = now - std::chrono::microseconds(took).count(),
         .end_us = now,
         .attributes = {{"parley.provider", provider}},
         .error = error});
}

}  // namespace parley::backend
