#pragma once
#include <string>

#include "tools/parleyctl/outcome.h"
#include "wire/request.h"

namespace parley::ctl {

using wire::Json;

// Asks the backend (topics.md §4). The one thing most commands need, and what tests replace.
class Requests {
 public:
  virtual ~Requests() = default;
  // Publishes the request and waits for its answer, up to the configured timeout. The `result` when it was
  // ok. Failures: refused with the server's code; refused/timeout when no answer came (the request may have
  // been done); unreachable when the connection broke.
  virtual Outcome<Json> call(const std::string& method, Json params) = 0;
};

}  // namespace parley::ctl
