#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>

#include "base/result.h"

namespace parley::plugin {

// Folds the snapshot and the logs below `log_end` into a new snapshot that `log_end` goes on from, and
// removes those logs. Works on files alone, none of which may be written to meanwhile; waits for the disk;
// holds a Directory in memory. Gives the new snapshot's bytes. Errors: unavailable, corrupt; the files are
// then as before, or the new snapshot is in force with the old logs still there, which do no harm.
Result<std::uint64_t> compact(const std::filesystem::path& dir, std::uint64_t log_end,
                              const std::function<void(std::string_view)>& after_step);

}  // namespace parley::plugin
