#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace parley::plugin {

// A client's one message in OAUTHBEARER (RFC 7628 §3.1), `n,a=alice,^Aauth=Bearer TOKEN^A^A` with ^A the byte 0x01. Other pairs (host, port) are
// passed over; `auth` must be there once, its scheme in any case. nullopt: anything else, and whoever insists on channel binding. Pure.
struct Bearer {
  std::string user;  // "" when the client names none
  std::string_view token;
};
inline constexpr std::size_t kBearerMax = 10 * 1024;  // bytes of the message: a JWT has 8 KiB at most
std::optional<Bearer> parse_bearer(std::string_view message);

}  // namespace parley::plugin
