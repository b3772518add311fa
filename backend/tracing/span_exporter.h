#pragma once
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "backend/metrics/metrics.h"
#include "backend/notify/providers/http_client.h"
#include "backend/state/step_thread.h"
#include "backend/tracing/span.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"

namespace parley::backend {

struct SpanExporterOptions {
  std::string url;                  // of the collector: http(s)://host:4318, without /v1/traces
  std::string ca_file;              // of https; "": those of the system
  std::string version;              // of parleyd
  std::size_t waiting_max = 4'096;  // spans; beyond, new ones are dropped
  std::size_t batch_max = 512;      // spans of one POST
  std::chrono::milliseconds every{1'000};
  std::chrono::milliseconds timeout{5'000};
};

// Sends finished spans to an OpenTelemetry collector by OTLP over HTTP, in batches. What a collector does not take is dropped and counted
// (parley_trace_spans_total): a trace is worth no memory and no second attempt. One POST is under way at a time.
// Thread-safe; add() never blocks.
class SpanExporter {
 public:
  // invalid_argument: the URL is none; unavailable: no TLS. `metrics` and `clock` must outlive it.
  static Result<std::unique_ptr<SpanExporter>> start(SpanExporterOptions options, Metrics& metrics,
                                                     const Clock& clock, LogSink log);
  ~SpanExporter() { stop(); }
  // What waits is sent first, within the time.
  void stop(std::chrono::milliseconds time = {});

  void add(Span span);

 private:
  SpanExporter(SpanExporterOptions options, std::unique_ptr<HttpClient> http, Metrics& metrics,
               const Clock& clock, LogSink log);
  std::optional<SteadyTime> step();
  void sent(std::size_t spans, const HttpAnswer& answer);

  const SpanExporterOptions options_;
  const Clock& clock_;
  const LogSink log_;
  const Counter sent_, dropped_, failed_;

  std::mutex mutex_;
  std::condition_variable idle_;
  std::vector<Span> waiting_;
  bool under_way_ = false;
  bool works_ = true;

  std::unique_ptr<HttpClient> http_;
  StepThread thread_;
};

}  // namespace parley::backend
