#pragma once
#include <cstddef>
#include <filesystem>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "plugin/auth/jwt_key.h"

namespace parley::plugin {

using JwtKeySet = std::vector<JwtKey>;

inline constexpr std::size_t kJwksKeysMax = 64;  // keys in one JWKS file
inline constexpr std::size_t kJwtKeysTriedMax =
    16;  // with one algorithm: what a token without `kid` can cost at most
inline constexpr std::size_t kJwtKeyFileMax = 256 * 1024;  // bytes

// A JWK set (RFC 7517 §5, RFC 7518 §6): keys of `kty` RSA (RS256), EC with `crv` P-256 (ES256) and oct
// (HS256). Every key must say its `alg`; `kid` is optional. Keys that are not for checking signatures (`use`
// "enc", or `key_ops` without "verify") are passed over. Any other key that can't be used is an error that
// names it by kid or place, rather than a key silently missing when its tokens come. So are: two keys of one
// kid, a member given twice in an object, more keys than the limits above, no usable key at all. Private
// members are ignored. Never throws.
Result<JwtKeySet> parse_jwks(std::string_view json);

// The file's keys. A JWKS with oct keys is a secret: refused (permission_denied) when others may read it.
// Errors of reading as of read_file.
Result<JwtKeySet> load_jwks_file(const std::filesystem::path& path);

// One key without kid: a PEM public key, or for HS256 the secret's bytes (base/file.h: read_secret_file).
Result<JwtKeySet> load_jwt_key_file(const std::filesystem::path& path, JwtAlgorithm algorithm);

}  // namespace parley::plugin
