#pragma once
#include <string>
#include <string_view>

namespace parley::backend {

// What HELP says of a counter or gauge of the plugin's `stats` answer, by its name there. One that this parleyd does not know yet (the plugin is
// newer) gets a general sentence.
std::string broker_metric_help(std::string_view name);

}  // namespace parley::backend
