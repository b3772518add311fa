#pragma once
#include <expected>
#include <filesystem>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "plugin/auth/jwt_key_set.h"
#include "plugin/auth/jwt_token.h"

namespace parley::plugin {

// Where keys come from: exactly one of the two files is named.
struct JwtKeySource {
  std::filesystem::path key_file;  // PEM public key; for HS256 the secret (not readable by others)
  JwtAlgorithm key_algorithm = JwtAlgorithm::rs256;  // of key_file
  std::filesystem::path jwks_file;                   // JWK set; each key says its own algorithm
};

// The keys there. Errors as of jwt_key_set.h; invalid_argument when not exactly one file is named.
Result<JwtKeySet> load_jwt_keys(const JwtKeySource& source);

// Decides whether a JWT (RFC 7519, as compact JWS; RFC 8725's advice followed) is one of ours and still good.
//
// The algorithm belongs to the key: a token whose `alg` is not its key's is refused. A token with `kid` is
// checked with the key of that kid alone, if any key has one (a key file's has none); any other token with
// every key of its algorithm, at most kJwtKeysTriedMax. The signature comes first, then the claims. Not
// thread-safe against reload(); never blocks but for the computation. Tokens are never part of an error.
class JwtVerifier {
 public:
  // invalid_argument, permission_denied, not_found, unavailable: the sentence names the file and the key.
  static Result<JwtVerifier> open(JwtKeySource source, JwtRules rules);
  // With keys made elsewhere; reload() then changes nothing.
  JwtVerifier(JwtKeySet keys, JwtRules rules);

  std::expected<JwtClaims, JwtFailure> verify(std::string_view token, WallTime now) const;

  // Reads the files again (SIGHUP). All or nothing: on an error the keys are those from before.
  Result<> reload();
  // Keys read elsewhere take the place of those there are; never none.
  void adopt(JwtKeySet keys) { keys_ = std::move(keys); }

  const JwtRules& rules() const { return rules_; }
  const JwtKeySource& source() const { return source_; }
  std::size_t key_count() const { return keys_.size(); }

 private:
  std::expected<void, JwtFailure> check_signature(const JwtParts& parts) const;

  JwtKeySource source_;
  JwtRules rules_;
  JwtKeySet keys_;
};

}  // namespace parley::plugin
