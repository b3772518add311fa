#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

// Traces of single messages, for whoever looks for lost time: W3C Trace Context (https://www.w3.org/TR/trace-context/) comes in as the MQTT 5
// user property `traceparent` of a PUBLISH; OpenTelemetry spans go out of parleyd (backend/tracing).
namespace parley::wire {

// From the plugin to the attached backend, ahead of the feed batch that holds the message.
inline constexpr std::string_view kTraceTopic = "$parley/trace";

struct TraceParent {
  std::string trace_id;  // 32 hexadecimal digits, in lower case, not all zero
  std::string span_id;   // 16 of them: who sends
  bool sampled = false;
  bool operator==(const TraceParent&) const = default;
};

// "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"; later versions as far as they look alike (§4.3 of the standard). nullopt:
// anything else. Never throws.
std::optional<TraceParent> parse_traceparent(std::string_view text);

// Random ones, and the time, as they stand in a trace.
std::string new_trace_id();
std::string new_span_id();
std::int64_t trace_time_us();  // microseconds since 1970, now

// What the broker did with one message.
//   {"trace":"4bf9…","parent":"00f0…","span":"53ce…","room_id":7,"room":"lab","seq":17,"id":"01JD…","begin_us":1795314673123456,"end_us":…}
struct MessageTrace {
  std::string trace_id;
  std::string parent_id;  // "" when the trace begins here
  std::string span_id;    // of what the broker did
  std::uint64_t room_id = 0;
  std::string room;
  std::uint64_t seq = 0;
  std::string id;             // of the message
  std::int64_t begin_us = 0;  // microseconds since 1970: the PUBLISH is looked at
  std::int64_t end_us = 0;    // it is journaled and queued for its readers
  bool operator==(const MessageTrace&) const = default;
};
std::string format_message_trace(const MessageTrace& trace);
Result<MessageTrace> parse_message_trace(std::string_view json);  // invalid_argument; never throws

}  // namespace parley::wire
