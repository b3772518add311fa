#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "plugin/auth/jwt_key.h"

// A token's text taken apart and judged, all but its signature. Pure.
namespace parley::plugin {

// Why a token was refused: for the log, never for the client.
enum class JwtFailure {
  // The signature was not, or could not be, found good: nothing shows that the token is meant for us.
  too_long,
  malformed,
  critical_header,
  wrong_type,
  algorithm_not_allowed,
  unknown_key,
  bad_signature,
  // Signed by one of our keys, and refused all the same.
  malformed_claims,
  no_expiry,
  expired,
  not_yet_valid,
  issued_in_future,
  wrong_issuer,
  wrong_audience,
  bad_subject,
};
std::string_view jwt_failure_text(JwtFailure failure);
inline bool is_signed_by_us(JwtFailure failure) {
  return failure >= JwtFailure::malformed_claims;
}

struct JwtClaims {
  std::string sub;  // a legal name
  WallTime exp;
  std::string jti{};              // "": none
  std::optional<WallTime> iat{};  // none: it does not say when it was issued
};

struct JwtRules {
  std::string issuer;    // `iss` must be this; "": not looked at
  std::string audience;  // `aud` must be this or an array holding it; "": not looked at. Set it when the
                         // issuer serves others too
  std::chrono::seconds leeway{30};  // how far the issuer's clock may be off
};

inline constexpr std::size_t kJwtMax = 8 * 1024;  // bytes of a token

// Views into the token's text, and what the header said.
struct JwtParts {
  std::string_view signed_text;  // header.payload, as it came
  std::string payload;           // decoded
  std::string signature;         // decoded
  JwtAlgorithm algorithm = JwtAlgorithm::hs256;
  std::string kid;  // "": none
};

// Does a password claim to be a JWT? Three parts of base64url (the last may be empty), the first the
// beginning of a JSON object.
bool looks_like_jwt(std::string_view password);

// Compact JWS (RFC 7515 §7.1): exactly three parts, strict base64url without padding. The header must be a
// JSON object without repeated members; `alg` one of ours; `crit` is refused, since no extension is
// understood; `typ`, when there, is JWT or at+jwt in any case, with or without "application/", so that other
// things the issuer signs (logout tokens, say) are no logins. `jku jwk x5u x5c` and unknown members mean
// nothing.
std::expected<JwtParts, JwtFailure> split_jwt(std::string_view token);

// RFC 7519 §4.1. `exp` required; `nbf`, `iat` judged when there; numbers may have fractions; `sub` required,
// a legal name; `jti`, when
// there, a string of at most wire::kJwtIdMax bytes. A member given twice, at any depth, is refused rather than guessed at.
std::expected<JwtClaims, JwtFailure> check_jwt_claims(std::string_view payload, const JwtRules& rules,
                                                      WallTime now);

}  // namespace parley::plugin
