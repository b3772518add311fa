#pragma once
#include <map>
#include <string>
#include <string_view>

namespace parley::backend {

// Writes Prometheus' text exposition format 0.0.4 for values that are read when somebody asks, and kept nowhere. Call family() once for each name,
// then sample() for each of its series. Label values may hold anything: they are escaped.
class Exposition {
 public:
  using Labels = std::map<std::string, std::string>;

  Exposition& family(std::string_view name, std::string_view type, std::string_view help);
  Exposition& sample(double value, const Labels& labels = {});
  // A family of one series.
  Exposition& gauge(std::string_view name, std::string_view help, double value) {
    return family(name, "gauge", help).sample(value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_, name_;
};

}  // namespace parley::backend
