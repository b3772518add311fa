#pragma once
#include <optional>

#include "backend/requests/params.h"
#include "backend/requests/request_context.h"

namespace parley::backend {

// `retain_s` and `retain_messages` of a request, those of them that were given.
struct GivenRetention {
  std::optional<std::uint64_t> seconds{}, messages{};

  bool any() const { return seconds || messages; }
  // What becomes of the room's own.
  Retention over(const Retention& now) const {
    return {.seconds = seconds.value_or(now.seconds), .messages = messages.value_or(now.messages)};
  }
};

// More than the server lets any room keep is complained of.
GivenRetention retention_parameters(Params& params, const RequestContext& context);

}  // namespace parley::backend
