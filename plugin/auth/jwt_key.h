#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace parley::plugin {

enum class JwtAlgorithm { hs256, rs256, es256 };

// "HS256", "RS256", "ES256", exactly so (RFC 7518 §3.1); nullopt for every other text, "none" included.
std::optional<JwtAlgorithm> parse_jwt_algorithm(std::string_view name);
std::string_view jwt_algorithm_name(JwtAlgorithm algorithm);

// One key that checks signatures, parsed and judged when it is made. It has one algorithm and is never used
// with another.
//
// Errors of the makers are invalid_argument, with a sentence about what is wrong and nothing of the key.
// Nothing here leaves an entry in OpenSSL's error queue: the broker's TLS reads the same thread's queue.
// verify() may be called from several threads; costs about 2 µs (HS256), 30 µs (RS256, 2048 bits), 90 µs
// (ES256).
class JwtKey {
 public:
  // At least 32 bytes (RFC 7518 §3.2). PEM text is refused: a public key as a secret would let anyone sign.
  static Result<JwtKey> from_secret(std::string secret, std::string kid = {});
  // One "PUBLIC KEY" block (SubjectPublicKeyInfo): RSA for rs256, P-256 for es256; hs256 is refused.
  static Result<JwtKey> from_pem(JwtAlgorithm algorithm, std::string_view pem);
  // Big-endian bytes of modulus and exponent. 2048 to 8192 bits; the exponent odd, 3 or more, at most 64
  // bits.
  static Result<JwtKey> from_rsa(std::string_view modulus, std::string_view exponent, std::string kid = {});
  // The point's coordinates, 32 bytes each; a point that is not on the curve is refused.
  static Result<JwtKey> from_p256(std::string_view x, std::string_view y, std::string kid = {});

  JwtAlgorithm algorithm() const { return algorithm_; }
  const std::string& kid() const { return kid_; }

  // HMAC compared in constant time; ES256 takes r||s of 64 bytes (RFC 7518 §3.4) and nothing else.
  bool verify(std::string_view signed_text, std::string_view signature) const;

 private:
  struct FreePkey {
    void operator()(evp_pkey_st* key) const;
  };
  using Pkey = std::unique_ptr<evp_pkey_st, FreePkey>;

  JwtKey(JwtAlgorithm algorithm, std::string kid, std::string secret, Pkey pkey);
  static Result<JwtKey> from_pkey(JwtAlgorithm algorithm, std::string kid, Pkey pkey);

  JwtAlgorithm algorithm_;
  std::string kid_;
  std::string secret_;  // hs256 alone
  Pkey pkey_;           // the others
};

}  // namespace parley::plugin
