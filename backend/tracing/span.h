#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace parley::backend {

// A finished OpenTelemetry span.
struct Span {
  enum class Kind {
    internal = 1,
    server = 2,
    client = 3,
    producer = 4,
    consumer = 5
  };  // as OTLP numbers them
  using Value = std::variant<std::string, std::int64_t, bool>;

  std::string trace_id, span_id;
  std::string parent_id{};  // "": the trace begins here
  std::string name;
  Kind kind = Kind::internal;
  std::int64_t begin_us = 0, end_us = 0;  // since 1970
  std::vector<std::pair<std::string, Value>> attributes{};
  std::string error{};  // a sentence; "": it went well
};

// The body of a POST to /v1/traces: ExportTraceServiceRequest in OTLP's JSON form
// (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding). Pure.
std::string format_otlp(const std::vector<Span>& spans, const std::string& version);

}  // namespace parley::backend
