#pragma once
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

struct evp_pkey_st;

namespace parley::backend {

// A private key of RSA (2048 bits at least) or of the curve P-256. Immutable and thread-safe.
class PrivateKey {
 public:
  enum class Kind { rsa, p256 };

  // PEM of any form OpenSSL reads without a pass phrase (PKCS #8 as Apple's .p8 and Google's, or the older ones).
  // invalid_argument: no such key, or not of that kind.
  static Result<PrivateKey> from_pem(std::string_view pem, Kind kind);
  // The same from a file with read_secret_file's rules and errors.
  static Result<PrivateKey> from_file(const std::string& path, Kind kind);
  static Result<PrivateKey> make_p256();  // internal: no memory
  // A key pair known as numbers: 32 bytes, and 65 of the uncompressed point (SEC 1 §2.3.3).
  static Result<PrivateKey> p256_from(std::string_view scalar, std::string_view point);

  // The signature of JWS (RFC 7518 §3): RS256, or ES256 as r||s. internal: OpenSSL failed.
  Result<std::string> sign(std::string_view text) const;
  std::string_view algorithm() const { return kind_ == Kind::rsa ? "RS256" : "ES256"; }

  std::string public_point() const;  // of P-256, uncompressed: 65 bytes
  // ECDH of P-256 with another's uncompressed point: 32 bytes. invalid_argument: not a point of the curve.
  Result<std::string> shared_secret(std::string_view point) const;

 private:
  struct Free {
    void operator()(evp_pkey_st* key) const;
  };
  using Pkey = std::unique_ptr<evp_pkey_st, Free>;
  PrivateKey(Kind kind, Pkey key) : kind_(kind), key_(std::move(key)) {}

  Kind kind_;
  Pkey key_;
};

// A signed JSON Web Token (RFC 7519); "alg" of its header is the key's.
Result<std::string> sign_jwt(const PrivateKey& key, nlohmann::json header, const nlohmann::json& claims);

}  // namespace parley::backend
