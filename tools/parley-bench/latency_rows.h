#pragma once
#include <string>
#include <string_view>

#include "tools/parley-bench/report.h"

namespace parley::bench {

// Rows "<prefix>p50", p99, p99.9 and max, in milliseconds.
void add_latency_rows(Report& report, const LatencyHistogram& latency, const std::string& prefix,
                      std::string_view contender);

}  // namespace parley::bench
