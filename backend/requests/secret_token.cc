#include "backend/requests/secret_token.h"

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/ids.h"

namespace parley::backend {

namespace {

SecretToken make(WallTime now, const char* prefix, std::size_t bytes) {
  SecretToken token;
  token.id = format_ulid(UlidGenerator().next(now));
  token.text = prefix + base64url_encode(random_bytes(bytes));
  token.sha256 = as_view(sha256(token.text));
  return token;
}

}  // namespace

SecretToken make_secret_token(WallTime now) {
  return make(now, "plt_", 32);
}

SecretToken make_link_code(WallTime now) {
  return make(now, "plj_", 18);
}

}  // namespace parley::backend
