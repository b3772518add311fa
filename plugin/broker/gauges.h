#pragma once
#include <nlohmann/json.hpp>
#include <optional>

#include "plugin/broker/core.h"

namespace parley::plugin {

// The oldest message the backend has not stored yet: when it was accepted (ms since 1970); nullopt when all are stored. Reads the journal's
// mapping, one record of it.
std::optional<std::int64_t> oldest_unstored_ms(const Journal& journal);

// The moment's values for the `stats` answer: gauges, queues (length and capacity of each bounded one) and who we are. What is asked of the system
// (statvfs of data_dir, /proc/self/statm) never leaves this machine, unless data_dir does.
nlohmann::json gauges_of(const Core& core);
nlohmann::json queues_of(const Core& core);
nlohmann::json about_plugin(const Core& core);

}  // namespace parley::plugin
