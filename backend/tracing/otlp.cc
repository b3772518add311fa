#include <nlohmann/json.hpp>

#include "backend/tracing/span.h"

namespace parley::backend {
namespace {

using Json = nlohmann::json;

// 64-bit numbers are strings in protobuf's JSON.
std::string nanoseconds(std::int64_t us) {
  return std::to_string(us) + "000";
}

Json attribute(const std::string& key, const Span::Value& value) {
  Json typed;
  if (const auto* text = std::get_if<std::string>(&value))
    typed = {{"stringValue", *text}};
  else if (const auto* number = std::get_if<std::int64_t>(&value))
    typed = {{"intValue", std::to_string(*number)}};
  else
    typed = {{"boolValue", std::get<bool>(value)}};
  return {{"key", key}, {"value", std::move(typed)}};
}

Json span_json(const Span& span) {
  constexpr int kStatusError = 2;
  Json json{{"traceId", span.trace_id},
            {"spanId", span.span_id},
            {"name", span.name},
            {"kind", static_cast<int>(span.kind)},
            {"startTimeUnixNano", nanoseconds(span.begin_us)},
            {"endTimeUnixNano", nanoseconds(span.end_us)}};
  if (!span.parent_id.empty()) json["parentSpanId"] = span.parent_id;
  Json attributes = Json::array();
  for (const auto& [key, value] : span.attributes) attributes.push_back(attribute(key, value));
  if (!attributes.empty()) json["attributes"] = std::move(attributes);
  if (!span.error.empty()) json["status"] = {{"code", kStatusError}, {"message", span.error}};
  return json;
}

}  // namespace

std::string format_otlp(const std::vector<Span>& spans, const std::string& version) {
  Json list = Json::array();
  for (const auto& span : spans) list.push_back(span_json(span));
  const Json resource{
      {"attributes", {attribute("service.name", "parley"), attribute("service.version", version)}}};
  const Json scope{{"name", "parley"}, {"version", version}};
  return Json{{"resourceSpans",
               {{{"resource", resource}, {"scopeSpans", {{{"scope", scope}, {"spans", std::move(list)}}}}}}}}
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace parley::backend
