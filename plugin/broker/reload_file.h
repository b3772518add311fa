#pragma once
#include <filesystem>

#include "plugin/broker/options.h"

namespace parley::plugin {

inline constexpr std::size_t kReloadFileMax = 64 * 1024;  // bytes

// The file plugin_opt_reload_file names: a line `NAME VALUE` for each option, as in mosquitto.conf without `plugin_opt_`; empty lines and
// those that begin with # mean nothing. Only live options may stand there (is_live_option). Errors are invalid_argument, with the line's
// number; and those of read_file.
Result<GivenOptions> read_reload_file(const std::filesystem::path& path);

// What parse_options() makes of `given`, each option replaced by the reload file's where that has it. Read anew at each call: at the start,
// and at SIGHUP, when Mosquitto tells a plugin nothing of its options. All or nothing.
Result<Options> load_options(const GivenOptions& given);

}  // namespace parley::plugin
