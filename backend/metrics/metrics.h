#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace parley::backend {

// Handles to one time series. Copied freely, thread-safe, never block on anything slow; one made by the
// default constructor counts nowhere. They stay valid as long as the Metrics they came from.
class Counter {
 public:
  Counter() = default;
  void add(double n = 1) const;
  double value() const;

 private:
  friend class Metrics;
  explicit Counter(prometheus::Counter* impl) : impl_(impl) {}
  prometheus::Counter* impl_ = nullptr;
};

class Gauge {
 public:
  Gauge() = default;
  void set(double v) const;
  double value() const;

 private:
  friend class Metrics;
  explicit Gauge(prometheus::Gauge* impl) : impl_(impl) {}
  prometheus::Gauge* impl_ = nullptr;
};

class Histogram {
 public:
  Histogram() = default;
  void observe(double v) const;

 private:
  friend class Metrics;
  explicit Histogram(prometheus::Histogram* impl) : impl_(impl) {}
  prometheus::Histogram* impl_ = nullptr;
};

using Labels = std::map<std::string, std::string>;

// Upper bounds of buckets, in seconds: 0.5 ms … 10 s.
std::vector<double> latency_buckets();

// The numbers parleyd shows on /metrics. Asking twice for the same name and labels gives the same series.
// Names are Prometheus' own: parley_<what>_<unit>[_total]. Labels must come from small fixed sets (methods,
// codes), never from users or rooms. Thread-safe.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  Counter counter(const std::string& name, const std::string& help, const Labels& labels = {});
  Gauge gauge(const std::string& name, const std::string& help, const Labels& labels = {});
  Histogram histogram(const std::string& name, const std::string& help, const Labels& labels = {},
                      const std::vector<double>& buckets = latency_buckets());

  // Everything, in the text exposition format 0.0.4.
  std::string text() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::backend
