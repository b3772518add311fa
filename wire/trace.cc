#include "wire/trace.h"

#include <algorithm>
#include <chrono>

#include "base/crypto.h"
#include "base/encoding.h"
#include "wire/json_members.h"
#include "wire/limits.h"
#include "wire/names.h"

namespace parley::wire {
namespace {

constexpr std::size_t kTraceIdSize = 32, kSpanIdSize = 16, kUlidSize = 26;
constexpr std::size_t kTraceMax = 2048;  // bytes of one MessageTrace
constexpr std::uint64_t kNumberMax = (std::uint64_t{1} << 63) - 1;

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}
bool is_id(std::string_view text, std::size_t size) {
  return text.size() == size && is_hex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

}  // namespace

std::string new_trace_id() {
  return hex_encode(random_bytes(kTraceIdSize / 2));
}
std::string new_span_id() {
  return hex_encode(random_bytes(kSpanIdSize / 2));
}

std::int64_t trace_time_us() {
  using std::chrono::microseconds, std::chrono::system_clock;
  return std::chrono::duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

std::optional<TraceParent> parse_traceparent(std::string_view text) {
  constexpr std::size_t kSize = 55;
  if (text.size() < kSize || text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  const auto version = text.substr(0, 2), flags = text.substr(53, 2);
  if (!is_hex(version) || version == "ff" || !is_hex(flags)) return std::nullopt;
  if (text.size() > kSize && (version == "00" || text[kSize] != '-')) return std::nullopt;
  TraceParent parent{.trace_id = std::string(text.substr(3, kTraceIdSize)),
                     .span_id = std::string(text.substr(36, kSpanIdSize)),
                     .sampled = (flags[1] >= 'a' ? flags[1] - 'a' + 10 : flags[1] - '0') % 2 == 1};
  if (!is_id(parent.trace_id, kTraceIdSize) || !is_id(parent.span_id, kSpanIdSize)) return std::nullopt;
  return parent;
}

std::string format_message_trace(const MessageTrace& trace) {
  nlohmann::json json{{"trace", trace.trace_id},    {"span", trace.span_id}, {"room_id", trace.room_id},
                      {"room", trace.room},         {"seq", trace.seq},      {"id", trace.id},
                      {"begin_us", trace.begin_us}, {"end_us", trace.end_us}};
  if (!trace.parent_id.empty()) json["parent"] = trace.parent_id;
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<MessageTrace> parse_message_trace(std::string_view text) {
  if (text.size() > kTraceMax) return fail(Errc::invalid_argument, "The trace is too large.");
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return fail(Errc::invalid_argument, "The trace is no JSON object.");
  JsonMembers members(json, "trace");
  MessageTrace trace;
  trace.trace_id = members.text("trace", kTraceIdSize);
  trace.parent_id = members.text("parent", kSpanIdSize, JsonMembers::optional);
  trace.span_id = members.text("span", kSpanIdSize);
  trace.room_id = members.number("room_id", kNumberMax, JsonMembers::required, 1);
  trace.room = members.text("room", kNameMax);
  trace.seq = members.number("seq", kNumberMax, JsonMembers::required, 1);
  trace.id = members.text("id", kUlidSize);
  trace.begin_us = static_cast<std::int64_t>(members.number("begin_us", kNumberMax));
  trace.end_us = static_cast<std::int64_t>(members.number("end_us", kNumberMax));
  if (!is_id(trace.trace_id, kTraceIdSize)) members.complain("trace", "is no trace id.");
  if (!is_id(trace.span_id, kSpanIdSize)) members.complain("span", "is no span id.");
  if (!trace.parent_id.empty() && !is_id(trace.parent_id, kSpanIdSize))
    members.complain("parent", "is no span id.");
  if (!valid_name(trace.room)) members.complain("room", "is not a legal name.");
  if (trace.end_us < trace.begin_us) members.complain("end_us", "is before `begin_us`.");
  if (auto finished = members.finish(); !finished) return std::unexpected(std::move(finished.error()));
  return trace;
}

}  // namespace parley::wire
