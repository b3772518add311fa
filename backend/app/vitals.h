#pragma once
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "backend/http/http_server.h"
#include "backend/metrics/busy_rooms.h"
#include "backend/metrics/host_metrics.h"
#include "backend/metrics/queue_reading.h"
#include "backend/store/presence_store.h"
#include "base/dependency.h"

namespace parley::backend {

// What is read of the parts of parleyd when somebody asks how it is: by /metrics, and by the request server.stats. All of it is called on the
// threads of those who ask.
struct Vitals {
  std::function<Readiness()> readiness;
  std::function<std::vector<QueueReading>()> queues;
  std::function<PresenceCounts()> presence;
  std::function<std::vector<Dependency>()> dependencies;
  std::function<std::vector<std::pair<std::string, std::uint64_t>>(std::size_t most)> busy_rooms;
  std::size_t top_rooms = 0;  // on /metrics
  std::vector<WatchedFolder> folders{};
  std::vector<std::string> certificate_files{};
};

// In the Prometheus text format: what needs no counter of its own. May block for the database (readiness).
std::string vitals_metrics(const Vitals& vitals);
// What server.stats tells of parleyd itself (topics.md). Does not block.
nlohmann::json vitals_json(const Vitals& vitals);

}  // namespace parley::backend
