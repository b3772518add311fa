#pragma once
#include <string>

#include "base/clock.h"

namespace parley::backend {

// A device token just made: 256 random bits. Only `sha256`, of the whole text, is ever stored.
struct SecretToken {
  std::string id;      // ULID text
  std::string text;    // "plt_" and 43 characters of base64url
  std::string sha256;  // raw 32 bytes
};
SecretToken make_secret_token(WallTime now);
// A room's join link just made: "plj_" and 144 random bits in base64url; the same holds for it.
SecretToken make_link_code(WallTime now);

}  // namespace parley::backend
