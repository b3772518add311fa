#include "backend/requests/secret_token.h"

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/ids.h"

namespace parley::backend {

SecretToken make_secret_token(WallTime now) {
  SecretToken token;
  token.id = format_ulid(UlidGenerator().next(now));
  token.text = "plt_" + base64url_encode(random_bytes(32));
  token.sha256 = as_view(sha256(token.text));
  return token;
}

}  // namespace parley::backend
