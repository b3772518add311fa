#include "plugin/broker/reload_file.h"

#include <algorithm>
#include <sstream>

#include "base/file.h"
#include "base/text_cut.h"

namespace parley::plugin {
namespace {

constexpr std::string_view kBlank = " \t\r";  // between an option and its value

}  // namespace

Result<GivenOptions> read_reload_file(const std::filesystem::path& path) {
  const auto content = read_file(path, kReloadFileMax);
  if (!content) return fail(content.error().code, "plugin_opt_reload_file: " + content.error().message);
  GivenOptions given;
  std::istringstream lines(*content);
  std::size_t number = 0;
  for (std::string text; std::getline(lines, text);) {
    ++number;
    const auto line = trimmed(text);
    if (line.empty() || line.front() == '#') continue;
    const auto gap = std::min(line.find_first_of(kBlank), line.size());
    const auto name = line.substr(0, gap);
    if (!is_live_option(name))
      return fail(Errc::invalid_argument,
                  path.string() + ":" + std::to_string(number) + ": \"" + std::string(name) +
                      "\" can't be changed while the broker runs; these can: " + option_names(true));
    given.emplace_back(name, trimmed(line.substr(gap)));
  }
  return given;
}

Result<Options> load_options(const GivenOptions& given) {
  const auto by_name = [](std::string_view name) {
    return [name](const auto& option) { return option.first == name; };
  };
  const auto file = std::ranges::find_if(given, by_name("reload_file"));
  if (file == given.end()) return parse_options(given);
  auto live = read_reload_file(file->second);
  if (!live) return std::unexpected(live.error());
  GivenOptions all;
  for (const auto& option : given)
    if (std::ranges::none_of(*live, by_name(option.first))) all.push_back(option);
  all.insert(all.end(), live->begin(), live->end());
  return parse_options(all);
}

}  // namespace parley::plugin
