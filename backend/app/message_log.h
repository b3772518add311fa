#pragma once
#include <span>

#include "backend/store/message_store.h"
#include "base/event_log.h"
#include "wire/record.h"

namespace parley::backend {

// "message stored id=… room=… seq=… from=…" of each, at debug level: what a message's id is followed by from the broker's log to a push.
void log_stored(const EventLog& events, std::span<const wire::Record> records, const StoreOutcome& outcome);

}  // namespace parley::backend
