#include "plugin/auth/jwt.h"

#include <algorithm>
#include <utility>

namespace parley::plugin {

Result<JwtKeySet> load_jwt_keys(const JwtKeySource& source) {
  if (source.key_file.empty() == source.jwks_file.empty()) {
    return fail(Errc::invalid_argument, "JWTs need either a key file or a JWKS file, one of the two");
  }
  if (!source.jwks_file.empty()) return load_jwks_file(source.jwks_file);
  return load_jwt_key_file(source.key_file, source.key_algorithm);
}

JwtVerifier::JwtVerifier(JwtKeySet keys, JwtRules rules) : rules_(std::move(rules)), keys_(std::move(keys)) {}

Result<JwtVerifier> JwtVerifier::open(JwtKeySource source, JwtRules rules) {
  Result<JwtKeySet> keys = load_jwt_keys(source);
  if (!keys) return std::unexpected(keys.error());
  JwtVerifier verifier(std::move(*keys), std::move(rules));
  verifier.source_ = std::move(source);
  return verifier;
}

Result<> JwtVerifier::reload() {
  if (source_.key_file.empty() && source_.jwks_file.empty()) return {};
  Result<JwtKeySet> keys = load_jwt_keys(source_);
  if (!keys) return std::unexpected(keys.error());
  keys_ = std::move(*keys);
  return {};
}

std::expected<JwtClaims, JwtFailure> JwtVerifier::verify(std::string_view token, WallTime now) const {
  auto parts = split_jwt(token);
  if (!parts) return std::unexpected(parts.error());
  auto signature = check_signature(*parts);
  if (!signature) return std::unexpected(signature.error());
  return check_jwt_claims(parts->payload, rules_, now);
}

std::expected<void, JwtFailure> JwtVerifier::check_signature(const JwtParts& parts) const {
  bool by_kid =
      !parts.kid.empty() && std::ranges::any_of(keys_, [](const JwtKey& key) { return !key.kid().empty(); });
  std::size_t tried = 0;
  for (const JwtKey& key : keys_) {
    if (key.algorithm() != parts.algorithm || (by_kid && key.kid() != parts.kid)) continue;
    if (key.verify(parts.signed_text, parts.signature)) return {};
    if (++tried == kJwtKeysTriedMax) break;
  }
  return std::unexpected(tried == 0 ? JwtFailure::unknown_key : JwtFailure::bad_signature);
}

}  // namespace parley::plugin
