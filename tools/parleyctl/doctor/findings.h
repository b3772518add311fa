#pragma once
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace parley::ctl {

// What `parleyctl doctor` found: each thing it looked at, how that stands, and, where it does not stand well, what to do.
struct Finding {
  enum class Level { ok, note, problem };  // a note is worth knowing, and may be as it should be
  Level level = Level::ok;
  std::string check;   // the area: "mosquitto.conf", "certificates" …
  std::string text;    // a sentence
  std::string advice;  // "" when ok
};

class Findings {
 public:
  void ok(std::string check, std::string text) {
    add({Finding::Level::ok, std::move(check), std::move(text), ""});
  }
  void note(std::string check, std::string text, std::string advice) {
    add({Finding::Level::note, std::move(check), std::move(text), std::move(advice)});
  }
  void problem(std::string check, std::string text, std::string advice) {
    add({Finding::Level::problem, std::move(check), std::move(text), std::move(advice)});
  }
  const std::vector<Finding>& all() const { return all_; }
  std::size_t count(Finding::Level level) const {
    return static_cast<std::size_t>(std::ranges::count(all_, level, &Finding::level));
  }

 private:
  void add(Finding finding) { all_.push_back(std::move(finding)); }
  std::vector<Finding> all_;
};

}  // namespace parley::ctl
