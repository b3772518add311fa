#pragma once
#include <string>
#include <vector>

#include "backend/config/config.h"
#include "backend/metrics/metrics.h"
#include "backend/store/stores.h"
#include "base/clock.h"
#include "base/result.h"

namespace parley::backend {

// The stores of `config.store`, their schema brought up to date. `clock` and `metrics` (null: counted nowhere)
// must outlive them. Blocks.
Result<Stores> open_stores(const Config& config, const Clock& clock, Metrics* metrics = nullptr);

// Brings the schema up to date and does nothing else; gives a line for each migration done.
Result<std::vector<std::string>> migrate_store(const Config& config, const Clock& clock);

// A line for each migration migrate_store would do. Changes nothing.
Result<std::vector<std::string>> pending_store_migrations(const Config& config, const Clock& clock);

}  // namespace parley::backend
