#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace parley::ctl {

// What one answer of /metrics says (Prometheus' text format 0.0.4). Series are known by their whole text, labels as they were written.
class MetricsText {
 public:
  explicit MetricsText(std::string_view text);

  std::optional<double> value(const std::string& series) const;
  // Of a family's series, by the value of a label: {"store", 0}.
  std::map<std::string, double> by_label(const std::string& family, const std::string& label) const;

 private:
  std::map<std::string, double> series_;
};

}  // namespace parley::ctl
