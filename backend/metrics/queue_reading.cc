#include "backend/metrics/queue_reading.h"

#include "backend/metrics/exposition.h"

namespace parley::backend {

std::string queue_metrics(const std::vector<QueueReading>& queues) {
  Exposition out;
  out.family("parley_queue_length", "gauge", "Entries waiting in a bounded queue of parleyd.");
  for (const auto& queue : queues) out.sample(static_cast<double>(queue.length), {{"queue", queue.name}});
  out.family("parley_queue_capacity", "gauge",
             "Entries it takes at most; what comes beyond is refused or dropped.");
  for (const auto& queue : queues) out.sample(static_cast<double>(queue.capacity), {{"queue", queue.name}});
  return out.take();
}

}  // namespace parley::backend
