#include "backend/app/message_log.h"

namespace parley::backend {

// A batch that came again is told of as what it is.
void log_stored(const EventLog& events, std::span<const wire::Record> records, const StoreOutcome& outcome) {
  if (!events.wanted(LogLevel::debug)) return;
  const bool repeated = outcome.stored == 0 && outcome.repeated > 0;
  for (const auto& record : records) {
    const auto id = format_ulid(record.id);
    events(LogLevel::debug, repeated ? "message stored before" : "message stored",
           {{"id", std::string_view(id)},
            {"room", record.room},
            {"seq", record.seq},
            {"from", record.from},
            {"type", record.type}});
  }
}

}  // namespace parley::backend
