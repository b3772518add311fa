#pragma once
#include <memory>

#include "backend/config/config.h"
#include "base/event_log.h"
#include "base/log.h"

namespace spdlog {
class logger;
}

namespace parley::backend {

// Lines to standard error: "2026-01-31T12:00:00.123Z warning: …", or with LogFormat::json one object a line:
// {"time":"…","level":"warning","message":"…"}, and a member for each fact of an event. Thread-safe.
class Log {
 public:
  Log(LogLevel level, LogFormat format);

  LogSink sink() const;     // good without this
  EventLog events() const;  // likewise
  void set_level(LogLevel level);

 private:
  std::shared_ptr<spdlog::logger> logger_;
  bool json_;
};

}  // namespace parley::backend
