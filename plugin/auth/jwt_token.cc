#include "plugin/auth/jwt_token.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "base/encoding.h"
#include "plugin/auth/strict_json.h"
#include "wire/control.h"
#include "wire/names.h"

namespace parley::plugin {
namespace {

using nlohmann::json;

bool is_base64url(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

std::optional<std::array<std::string_view, 3>> three_parts(std::string_view token) {
  std::size_t first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  std::size_t second = token.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  std::array parts{token.substr(0, first), token.substr(first + 1, second - first - 1),
                   token.substr(second + 1)};
  if (!std::ranges::all_of(parts, is_base64url)) return std::nullopt;
  return parts;
}

bool is_login_type(const json& type) {
  if (!type.is_string()) return false;
  std::string name = fold_case(type.get_ref<const std::string&>());
  if (name.starts_with("application/")) name.erase(0, std::string_view("application/").size());
  return name == "jwt" || name == "at+jwt";
}

std::expected<void, JwtFailure> read_header(std::string_view text, JwtParts& parts) {
  auto header = parse_strict_object(text);
  if (!header) return std::unexpected(JwtFailure::malformed);
  if (header->contains("crit")) return std::unexpected(JwtFailure::critical_header);
  auto type = header->find("typ");
  if (type != header->end() && !is_login_type(*type)) return std::unexpected(JwtFailure::wrong_type);
  auto algorithm = header->find("alg");
  if (algorithm == header->end() || !algorithm->is_string()) return std::unexpected(JwtFailure::malformed);
  auto known = parse_jwt_algorithm(algorithm->get_ref<const std::string&>());
  if (!known) return std::unexpected(JwtFailure::algorithm_not_allowed);
  parts.algorithm = *known;
  auto kid = header->find("kid");
  if (kid == header->end()) return {};
  if (!kid->is_string()) return std::unexpected(JwtFailure::malformed);
  parts.kid = kid->get<std::string>();
  return {};
}

// NumericDate (RFC 7519 §2) in ms. nullopt: no number, or one beyond the years a time point holds.
std::optional<WallTime> numeric_date(const json& value) {
  constexpr double kSecondsMax = 1e12;
  if (!value.is_number()) return std::nullopt;
  double seconds = value.get<double>();
  if (!(std::abs(seconds) <= kSecondsMax)) return std::nullopt;
  return from_ms(static_cast<std::int64_t>(std::floor(seconds * 1000)));
}

// False when the claim is there and no date.
bool read_date(const json& claims, const char* name, std::optional<WallTime>& date) {
  auto it = claims.find(name);
  if (it == claims.end()) return true;
  date = numeric_date(*it);
  return date.has_value();
}

// Leaves exp and iat in `times`.
std::expected<void, JwtFailure> check_times(const json& claims, std::chrono::seconds leeway, WallTime now,
                                            JwtClaims& times) {
  std::optional<WallTime> exp, nbf, iat;
  if (!read_date(claims, "exp", exp) || !read_date(claims, "nbf", nbf) || !read_date(claims, "iat", iat)) {
    return std::unexpected(JwtFailure::malformed_claims);
  }
  if (!exp) return std::unexpected(JwtFailure::no_expiry);
  if (now >= *exp + leeway) return std::unexpected(JwtFailure::expired);
  if (nbf && now + leeway < *nbf) return std::unexpected(JwtFailure::not_yet_valid);
  if (iat && now + leeway < *iat) return std::unexpected(JwtFailure::issued_in_future);
  times.exp = *exp;
  times.iat = iat;
  return {};
}

// False when it is there and no text, or longer than anybody would list.
bool read_id(const json& claims, std::string& id) {
  auto jti = claims.find("jti");
  if (jti == claims.end()) return true;
  if (!jti->is_string() || jti->get_ref<const std::string&>().size() > wire::kJwtIdMax) return false;
  id = jti->get<std::string>();
  return true;
}

bool issuer_fits(const json& claims, const std::string& wanted) {
  return wanted.empty() || (claims.contains("iss") && claims["iss"] == wanted);
}

bool audience_fits(const json& claims, const std::string& wanted) {
  if (wanted.empty()) return true;
  auto audience = claims.find("aud");
  if (audience == claims.end()) return false;
  if (audience->is_array()) return std::ranges::find(*audience, json(wanted)) != audience->end();
  return *audience == wanted;
}

}  // namespace

std::string_view jwt_failure_text(JwtFailure failure) {
  switch (failure) {
    case JwtFailure::too_long:
      return "the token has more than 8192 bytes";
    case JwtFailure::malformed:
      return "the token is no compact JWS";
    case JwtFailure::critical_header:
      return "the token's header has crit, and no extension is understood";
    case JwtFailure::wrong_type:
      return "the token's typ is neither JWT nor at+jwt";
    case JwtFailure::algorithm_not_allowed:
      return "the token's alg is not HS256, RS256 or ES256";
    case JwtFailure::unknown_key:
      return "no key has the token's kid and alg";
    case JwtFailure::bad_signature:
      return "the token's signature is wrong";
    case JwtFailure::malformed_claims:
      return "the token's claims are malformed";
    case JwtFailure::no_expiry:
      return "the token has no exp";
    case JwtFailure::expired:
      return "the token has expired";
    case JwtFailure::not_yet_valid:
      return "the token is not valid yet (nbf)";
    case JwtFailure::issued_in_future:
      return "the token was issued in the future (iat)";
    case JwtFailure::wrong_issuer:
      return "the token's iss is another";
    case JwtFailure::wrong_audience:
      return "the token's aud is another";
    case JwtFailure::bad_subject:
      return "the token's sub is no legal user name";
  }
  return "";
}

bool looks_like_jwt(std::string_view password) {
  auto parts = three_parts(password);
  if (!parts) return false;
  // Enough of the header to see what it begins with: RFC 8259 allows white space in front.
  std::string_view head = (*parts)[0].substr(0, std::min<std::size_t>((*parts)[0].size() / 4 * 4, 64));
  auto text = base64url_decode(head);
  if (!text) return false;
  std::size_t begin = text->find_first_not_of(" \t\r\n");
  return begin != std::string::npos && (*text)[begin] == '{';
}

std::expected<JwtParts, JwtFailure> split_jwt(std::string_view token) {
  if (token.size() > kJwtMax) return std::unexpected(JwtFailure::too_long);
  auto texts = three_parts(token);
  if (!texts) return std::unexpected(JwtFailure::malformed);
  auto header = base64url_decode((*texts)[0]);
  auto payload = base64url_decode((*texts)[1]);
  auto signature = base64url_decode((*texts)[2]);
  if (!header || !payload || !signature) return std::unexpected(JwtFailure::malformed);
  JwtParts parts;
  parts.signed_text = token.substr(0, (*texts)[0].size() + 1 + (*texts)[1].size());
  parts.payload = std::move(*payload);
  parts.signature = std::move(*signature);
  auto read = read_header(*header, parts);
  if (!read) return std::unexpected(read.error());
  return parts;
}

std::expected<JwtClaims, JwtFailure> check_jwt_claims(std::string_view payload, const JwtRules& rules,
                                                      WallTime now) {
  auto claims = parse_strict_object(payload);
  if (!claims) return std::unexpected(JwtFailure::malformed_claims);
  JwtClaims read;
  auto timely = check_times(*claims, rules.leeway, now, read);
  if (!timely) return std::unexpected(timely.error());
  if (!read_id(*claims, read.jti)) return std::unexpected(JwtFailure::malformed_claims);
  if (!issuer_fits(*claims, rules.issuer)) return std::unexpected(JwtFailure::wrong_issuer);
  if (!audience_fits(*claims, rules.audience)) return std::unexpected(JwtFailure::wrong_audience);
  auto sub = claims->find("sub");
  if (sub == claims->end() || !sub->is_string()) return std::unexpected(JwtFailure::bad_subject);
  const auto& name = sub->get_ref<const std::string&>();
  if (!wire::valid_name(name)) return std::unexpected(JwtFailure::bad_subject);
  read.sub = name;
  return read;
}

}  // namespace parley::plugin
