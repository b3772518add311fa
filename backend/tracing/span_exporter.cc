#include "backend/tracing/span_exporter.h"

#include <algorithm>
#include <iterator>

namespace parley::backend {
namespace {

constexpr const char* kName = "parley_trace_spans_total";
constexpr const char* kHelp = "Spans of traces, by what became of them.";

}  // namespace

Result<std::unique_ptr<SpanExporter>> SpanExporter::start(SpanExporterOptions options, Metrics& metrics,
                                                          const Clock& clock, LogSink log) {
  if (!options.url.starts_with("http://") && !options.url.starts_with("https://"))
    return fail(Errc::invalid_argument, "tracing.otlp_url must begin with http:// or https://.");
  auto http = HttpClient::start({.transfer = {.timeout = options.timeout, .ca_file = options.ca_file},
                                 .in_flight_max = 1,
                                 .plain = true},
                                clock);
  if (!http) return std::unexpected(http.error());
  return std::unique_ptr<SpanExporter>(
      new SpanExporter(std::move(options), *std::move(http), metrics, clock, std::move(log)));
}

SpanExporter::SpanExporter(SpanExporterOptions options, std::unique_ptr<HttpClient> http, Metrics& metrics,
                           const Clock& clock, LogSink log)
    : options_(std::move(options)),
      clock_(clock),
      log_(std::move(log)),
      sent_(metrics.counter(kName, kHelp, {{"outcome", "sent"}})),
      dropped_(metrics.counter(kName, kHelp, {{"outcome", "dropped"}})),
      failed_(metrics.counter(kName, kHelp, {{"outcome", "failed"}})),
      http_(std::move(http)) {
  thread_.start([this] { return step(); });
}

void SpanExporter::add(Span span) {
  {
    std::lock_guard lock(mutex_);
    if (waiting_.size() >= options_.waiting_max) return dropped_.add();
    waiting_.push_back(std::move(span));
    if (waiting_.size() < options_.batch_max) return;
  }
  thread_.wake();
}

std::optional<SteadyTime> SpanExporter::step() {
  std::vector<Span> batch;
  {
    std::lock_guard lock(mutex_);
    if (!waiting_.empty() && !under_way_) {
      const auto end =
          waiting_.begin() + static_cast<std::ptrdiff_t>(std::min(waiting_.size(), options_.batch_max));
      batch.assign(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
      waiting_.erase(waiting_.begin(), end);
      under_way_ = true;
    }
  }
  if (!batch.empty())
    http_->post({.url = options_.url + "/v1/traces",
                 .headers = {"Content-Type: application/json"},
                 .body = format_otlp(batch, options_.version)},
                [this, count = batch.size()](const HttpAnswer& answer) { sent(count, answer); });
  return clock_.steady() + options_.every;
}

void SpanExporter::sent(std::size_t spans, const HttpAnswer& answer) {
  const bool taken = answer.failure == HttpAnswer::Failure::none && answer.status / 100 == 2;
  (taken ? sent_ : failed_).add(static_cast<double>(spans));
  std::string complaint;
  {
    std::lock_guard lock(mutex_);
    if (works_ && !taken)
      complaint = answer.failure == HttpAnswer::Failure::none ? "it answers " + std::to_string(answer.status)
                                                              : answer.error;
    works_ = taken;
    under_way_ = false;
    idle_.notify_all();
  }
  if (!complaint.empty()) log_(LogLevel::warning, "the collector of traces takes none: " + complaint);
}

void SpanExporter::stop(std::chrono::milliseconds time) {
  if (time.count() > 0) {
    thread_.wake();
    std::unique_lock lock(mutex_);
    idle_.wait_for(lock, time, [&] { return waiting_.empty() && !under_way_; });
  }
  thread_.stop();
  http_->stop();
}

}  // namespace parley::backend
