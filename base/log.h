#pragma once
#include <functional>
#include <string_view>

namespace parley {

enum class LogLevel { debug, info, warning, error };

// Where a module's lines go; the plugin gives the broker's log, the backend its own. Lines hold no secrets.
using LogSink = std::function<void(LogLevel, std::string_view)>;

}  // namespace parley
