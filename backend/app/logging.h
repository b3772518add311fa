#pragma once
#include "backend/config/config.h"
#include "base/log.h"

namespace parley::backend {

// Lines to standard error: "2026-01-31T12:00:00.123Z warning: …", or with LogFormat::json one object a line:
// {"time":"…","level":"warning","message":"…"}. Thread-safe.
LogSink make_log(LogLevel level, LogFormat format);

}  // namespace parley::backend
