#pragma once
#include "backend/metrics/metrics.h"
#include "backend/store/stores.h"
#include "base/clock.h"

namespace parley::backend {

// The same stores, with parley_store_seconds{operation="messages.page"} of each call of messages, rooms, users, marks, unread counters and search:
// from the call to its return, waiting for a connection included. Errors count as any other end. `metrics` and `clock` must outlive them.
Stores with_timers(Stores stores, Metrics& metrics, const Clock& clock);

}  // namespace parley::backend
