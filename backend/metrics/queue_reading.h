#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace parley::backend {

// How full a bounded queue is at this moment.
struct QueueReading {
  std::string name;  // a label of metrics: from a small fixed set
  std::size_t length = 0, capacity = 0;
};

// parley_queue_length and parley_queue_capacity of each, in the Prometheus text format.
std::string queue_metrics(const std::vector<QueueReading>& queues);

}  // namespace parley::backend
