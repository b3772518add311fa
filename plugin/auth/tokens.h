#pragma once
#include <string_view>

#include "base/crypto.h"

// Device tokens: `plt_` and 43 characters of base64url, which are 32 random bytes. They are kept as SHA-256
// of the whole text: 256 bits of chance need no slow hash, and a lookup by digest tells nothing by its time.
namespace parley::plugin {

inline constexpr std::string_view kTokenPrefix = "plt_";

bool looks_like_token(std::string_view password);
Sha256 token_sha256(std::string_view token);

}  // namespace parley::plugin
