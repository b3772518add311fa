#pragma once
#include "backend/config/config.h"
#include "base/result.h"

namespace parley::backend {

// Whether each provider of notifications that is in use has all it needs, and its servers are asked over TLS. Reads no file.
// invalid_argument: a line to show that names the key.
Result<> check_notify(const Config& config);

}  // namespace parley::backend
