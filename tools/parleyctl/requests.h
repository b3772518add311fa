#pragma once
#include <string>
#include <vector>

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

  // Many requests of one kind that don't depend on each other; answers in their order. Here one after the other; a
  // connection has several under way at once.
  virtual std::vector<Outcome<Json>> call_all(const std::string& method, std::vector<Json> params) {
    std::vector<Outcome<Json>> results;
    for (auto& one : params) results.push_back(call(method, std::move(one)));
    return results;
  }
};

}  // namespace parley::ctl
