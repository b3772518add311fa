#include "backend/requests/retention_params.h"

#include "backend/store/retention_limits.h"

namespace parley::backend {
namespace {

std::optional<std::uint64_t> take(Params& params, const char* key, std::uint64_t max, std::uint64_t ceiling) {
  const auto given = params.optional_number(key, 0, max);
  if (given && ceiling > 0 && *given > ceiling)
    params.complain(key, "can be " + std::to_string(ceiling) + " at most on this server.");
  return given;
}

}  // namespace

GivenRetention retention_parameters(Params& params, const RequestContext& context) {
  const auto ceiling = context.services.rules()->retention.ceiling;
  return {.seconds = take(params, "retain_s", kRetainSecondsMax, ceiling.seconds),
          .messages = take(params, "retain_messages", kRetainMessagesMax, ceiling.messages)};
}

}  // namespace parley::backend
