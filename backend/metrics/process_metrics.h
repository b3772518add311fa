#pragma once
#include <string>

namespace parley::backend {

// This process, by the names all Prometheus clients use: process_start_time_seconds, process_cpu_seconds_total, process_resident_memory_bytes,
// process_virtual_memory_bytes, process_open_fds, process_max_fds, process_threads. Read from /proc; what can't be read is left out.
std::string process_metrics();

}  // namespace parley::backend
