#include "tools/parleyctl/doctor/metrics_text.h"

#include <charconv>

namespace parley::ctl {

MetricsText::MetricsText(std::string_view text) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto blank = line.rfind(' ');
    if (line.starts_with('#') || blank == std::string_view::npos) continue;
    double value = 0;
    const auto number = line.substr(blank + 1);
    if (std::from_chars(number.data(), number.data() + number.size(), value).ec == std::errc())
      series_[std::string(line.substr(0, blank))] = value;
  }
}

std::optional<double> MetricsText::value(const std::string& series) const {
  const auto at = series_.find(series);
  return at == series_.end() ? std::nullopt : std::optional(at->second);
}

std::map<std::string, double> MetricsText::by_label(const std::string& family,
                                                    const std::string& label) const {
  std::map<std::string, double> found;
  for (auto at = series_.lower_bound(family + "{");
       at != series_.end() && at->first.starts_with(family + "{"); ++at) {
    const auto begin = at->first.find(label + "=\"");
    if (begin == std::string::npos) continue;
    const auto from = begin + label.size() + 2;
    found[at->first.substr(from, at->first.find('"', from) - from)] = at->second;
  }
  return found;
}

}  // namespace parley::ctl
