#include "backend/metrics/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <vector>

#include "backend/metrics/exposition.h"

namespace parley::backend {
namespace {

// The fields of proc(5)'s /proc/self/stat after the program's name, which may hold anything; [0] is field 3, the state.
std::vector<std::string> stat_fields() {
  std::ifstream file("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream rest(text.substr(name_end + 1));
  return {std::istream_iterator<std::string>(rest), {}};
}

std::optional<double> boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string word; file >> word;)
    if (double seconds = 0; word == "btime" && file >> seconds) return seconds;
  return std::nullopt;
}

std::optional<double> open_files() {
  std::error_code bad;
  std::filesystem::directory_iterator files("/proc/self/fd", bad);
  if (bad) return std::nullopt;
  return static_cast<double>(std::distance(begin(files), end(files))) - 1;  // without the one that looks
}

}  // namespace

std::string process_metrics() {
  Exposition out;
  constexpr std::size_t kUser = 11, kSystem = 12, kThreads = 17, kStart = 19, kVirtual = 20, kResident = 21;
  const auto stat = stat_fields();
  if (stat.size() > kResident) {
    const double tick = static_cast<double>(::sysconf(_SC_CLK_TCK));
    const auto number = [&](std::size_t field) { return std::stod(stat[field]); };
    out.family("process_cpu_seconds_total", "counter",
               "Processor time of parleyd, user and system, in seconds.")
        .sample((number(kUser) + number(kSystem)) / tick);
    out.gauge("process_threads", "Threads of parleyd.", number(kThreads));
    out.gauge("process_virtual_memory_bytes", "Virtual memory of parleyd.", number(kVirtual));
    out.gauge("process_resident_memory_bytes", "Resident memory of parleyd.",
              number(kResident) * static_cast<double>(::sysconf(_SC_PAGESIZE)));
    if (const auto boot = boot_time())
      out.gauge("process_start_time_seconds", "When parleyd started, in seconds since 1970.",
                *boot + number(kStart) / tick);
  }
  if (const auto open = open_files())
    out.gauge("process_open_fds", "Open file descriptors of parleyd.", *open);
  if (rlimit files{}; ::getrlimit(RLIMIT_NOFILE, &files) == 0)
    out.gauge("process_max_fds", "File descriptors parleyd may open at most.",
              static_cast<double>(files.rlim_cur));
  return out.take();
}

}  // namespace parley::backend
