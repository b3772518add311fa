#include "backend/metrics/process_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>

namespace parley::backend {
namespace {

double value(const std::string& text, const std::string& name) {
  const auto at = text.find("\n" + name + " ");
  return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
}

TEST(ProcessMetrics, tell_of_this_process) {
  const auto text = process_metrics();
  EXPECT_GT(value(text, "process_resident_memory_bytes"), 100'000);
  EXPECT_GT(value(text, "process_virtual_memory_bytes"), value(text, "process_resident_memory_bytes"));
  EXPECT_GE(value(text, "process_threads"), 1);
  EXPECT_GE(value(text, "process_open_fds"), 3);
  EXPECT_GT(value(text, "process_max_fds"), value(text, "process_open_fds"));
  EXPECT_GE(value(text, "process_cpu_seconds_total"), 0);
  const auto started = value(text, "process_start_time_seconds");
  EXPECT_LE(started, static_cast<double>(std::time(nullptr)) + 60);
  EXPECT_GT(started, static_cast<double>(std::time(nullptr)) - 24 * 3600);
}

}  // namespace
}  // namespace parley::backend
