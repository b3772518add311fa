#include <array>
#include <utility>

#include "tools/parleyctl/slack_export.h"

namespace parley::ctl {
namespace {

constexpr std::array<std::pair<std::string_view, char>, 3> kEscapes{
    {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}}};

std::string unescape(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t taken = 1;
    char c = text.front();
    for (const auto& [escape, stands_for] : kEscapes) {
      if (!text.starts_with(escape)) continue;
      c = stands_for;
      taken = escape.size();
    }
    out += c;
    text.remove_prefix(taken);
  }
  return out;
}

bool calls_everybody(std::string_view command) {
  return command == "here" || command == "channel" || command == "everyone" || command == "group";
}

// What stands between < and >.
std::string marked(std::string_view inner, const std::function<std::string(std::string_view)>& handle) {
  const auto bar = inner.find('|');
  const auto target = inner.substr(0, bar);
  const auto label = bar == std::string_view::npos ? std::string_view() : inner.substr(bar + 1);
  if (target.starts_with('@')) {
    auto name = handle(target.substr(1));
    if (name.empty()) name = unescape(label.empty() ? target.substr(1) : label);
    return "@" + name;
  }
  if (target.starts_with('#')) return "#" + unescape(label.empty() ? target.substr(1) : label);
  if (target.starts_with('!')) {
    const auto command = target.substr(1, target.find('^') - 1);
    if (calls_everybody(command)) return "@room";
    return label.empty() ? "@" + unescape(command) : unescape(label);
  }
  const auto link = unescape(target);
  if (label.empty() || label == target) return link;
  const auto shown = unescape(label);
  return link.ends_with(":" + shown) || link.ends_with("//" + shown) ? link : shown + " (" + link + ")";
}

}  // namespace

std::string slack_text(std::string_view text, const std::function<std::string(std::string_view)>& handle) {
  std::string out;
  while (!text.empty()) {
    const auto open = text.find('<');
    out += unescape(text.substr(0, open));
    if (open == std::string_view::npos) break;
    const auto close = text.find('>', open);
    if (close == std::string_view::npos) {
      out += unescape(text.substr(open));
      break;
    }
    out += marked(text.substr(open + 1, close - open - 1), handle);
    text.remove_prefix(close + 1);
  }
  return out;
}

}  // namespace parley::ctl
