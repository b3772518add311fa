#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "base/crypto.h"
#include "base/encoding.h"
#include "plugin/auth/jwt.h"

// Any bytes, as a token against a key of each kind, and as a JWK set. Nobody here can sign, so nothing may be
// accepted.
namespace {

using parley::plugin::JwtKeySet;
using parley::plugin::JwtVerifier;

// RFC 7515 appendix A.2 and A.3; the secret is at hand below, so that mutations of a well signed token are
// tried too.
constexpr std::string_view kSecret = "0123456789abcdef0123456789abcdef";
constexpr std::string_view kKeys =
    R"({"keys":[{"kty":"oct","alg":"HS256","kid":"h","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"},)"
    R"({"kty":"EC","alg":"ES256","kid":"e","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
    R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},{"kty":"RSA","alg":"RS256","kid":"r","e":"AQAB","n":")"
    R"(ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SF)"
    R"(d2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo)"
    R"(7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkM)"
    R"(Ls91kzk2PAcDTW9gb54h4FRWyuXpoQ"}]})";

const JwtVerifier& verifier() {
  static const JwtVerifier made(std::move(parley::plugin::parse_jwks(kKeys).value()),
                                {.issuer = {}, .audience = {}});
  return made;
}

void require(bool holds) {
  if (!holds) std::abort();
}

// The text as header and payload, split at its first newline, under each algorithm's name and with a good
// HMAC.
void verify_made(std::string_view text, parley::WallTime now) {
  std::size_t split = text.find('\n');
  if (split == std::string_view::npos) return;
  std::string signed_text = parley::base64url_encode(text.substr(0, split)) + "." +
                            parley::base64url_encode(text.substr(split + 1));
  std::string mac(parley::as_view(parley::hmac_sha256(kSecret, signed_text)));
  auto claims = verifier().verify(signed_text + "." + parley::base64url_encode(mac), now);
  if (claims)
    require(!claims->sub.empty() && claims->sub.size() <= 64 && claims->exp + std::chrono::seconds(30) > now);
  require(!verifier().verify(signed_text + "." + parley::base64url_encode(mac + mac), now));
  for (std::string_view header : {R"({"alg":"ES256"})", R"({"alg":"RS256"})"}) {
    std::string other =
        parley::base64url_encode(header) + "." + parley::base64url_encode(text.substr(split + 1));
    require(!verifier().verify(other + "." + parley::base64url_encode(mac + mac), now));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const parley::WallTime now = parley::from_ms(1'795'314'673'123);
  bool looks = parley::plugin::looks_like_jwt(text);
  auto claims = verifier().verify(text, now);
  if (claims) require(looks);  // only the HS256 secret is known to the corpus
  verify_made(text, now);
  (void)parley::plugin::check_jwt_claims(text, {.issuer = "i", .audience = "a"}, now);
  auto keys = parley::plugin::parse_jwks(text);
  if (keys) require(!keys->empty() && keys->size() <= parley::plugin::kJwksKeysMax);
  return 0;
}
