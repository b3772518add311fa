#pragma once
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "wire/error_codes.h"

namespace parley::plugin {

// What the plugin counts since the broker began; given to the backend by the `stats` command, shown on its /metrics as parley_broker_*.
// For the broker's thread.
struct Counters {
  std::uint64_t messages = 0, deliveries = 0, duplicates = 0, appended = 0, requests = 0;
  std::uint64_t logins = 0, logins_denied = 0, logins_busy = 0, logins_drained = 0;
  std::uint64_t connects_banned = 0, connects_rate_limited = 0, logins_slowed = 0, logins_failed = 0;
  std::uint64_t client_ids_flapping = 0, sessions_refused = 0, floods_ended = 0;
  std::uint64_t auth_exchanges = 0, auth_timeouts = 0, auth_renewals = 0;  // SCRAM; of both methods
  std::uint64_t auth_under_way = 0;  // now
  std::uint64_t expiry_notices = 0;
  std::uint64_t reads_denied = 0, subscriptions_denied = 0;
  std::uint64_t kicks = 0, notices_dropped = 0, events_dropped = 0;
  std::uint64_t directory_changes = 0, exceptions = 0;
  std::array<std::uint64_t, static_cast<std::size_t>(wire::Code::internal) + 1>
      refused{};  // publishes, by code

  std::uint64_t& refused_with(wire::Code code) { return refused[static_cast<std::size_t>(code)]; }
};

}  // namespace parley::plugin
