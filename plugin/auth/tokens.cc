#include "plugin/auth/tokens.h"

#include "base/encoding.h"

namespace parley::plugin {

bool looks_like_token(std::string_view password) {
  if (!password.starts_with(kTokenPrefix)) return false;
  auto bytes = base64url_decode(password.substr(kTokenPrefix.size()));
  return bytes && bytes->size() == 32;
}

Sha256 token_sha256(std::string_view token) {
  return sha256(token);
}

}  // namespace parley::plugin
