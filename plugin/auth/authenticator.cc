#include "plugin/auth/authenticator.h"

#include <utility>

#include "base/encoding.h"
#include "plugin/auth/scram_exchange.h"
#include "plugin/auth/tokens.h"
#include "wire/names.h"

namespace parley::plugin {
namespace {

Denied deny(DenyReason reason) {
  return {reason, deny_reason_text(reason)};
}

}  // namespace

std::string_view auth_method_name(AuthMethod method) {
  switch (method) {
    case AuthMethod::backend:
      return "backend";
    case AuthMethod::jwt:
      return "jwt";
    case AuthMethod::token:
      return "token";
    case AuthMethod::password:
      return "password";
    case AuthMethod::scram:
      return "scram";
  }
  return "";
}

std::string_view deny_reason_text(DenyReason reason) {
  switch (reason) {
    case DenyReason::backend_secret:
      return "this is not the backend's secret";
    case DenyReason::no_credentials:
      return "there are no credentials, or no user name with them";
    case DenyReason::illegal_name:
      return "this is no legal user name";
    case DenyReason::unknown_user:
      return "there is no user of this very name";
    case DenyReason::disabled:
      return "the account is disabled";
    case DenyReason::jwt_refused:
      return "the token was refused";
    case DenyReason::jwt_other_user:
      return "the token's sub is not the user name";
    case DenyReason::jwt_unknown_user:
      return "the token's sub has no account, and jwt_auto_user is off";
    case DenyReason::jwt_name_taken:
      return "the token's sub is an account's name in another case";
    case DenyReason::erased:
      return "the name was an erased user's";
    case DenyReason::jwt_revoked:
      return "the token was revoked";
    case DenyReason::jwt_admin:
      return "the token's sub is an administrator, and jwt_admins is off";
    case DenyReason::token_unknown:
      return "the device token is unknown or was revoked";
    case DenyReason::token_other_user:
      return "the device token is another user's";
    case DenyReason::token_expired:
      return "the device token has expired";
    case DenyReason::wrong_password:
      return "the password is wrong";
  }
  return "";
}

Authenticator::Authenticator(AuthOptions options, const Accounts& accounts, const Clock& clock,
                             std::optional<JwtVerifier> jwt, const JwtRevocations* revoked)
    : options_(std::move(options)),
      accounts_(accounts),
      clock_(clock),
      jwt_(std::move(jwt)),
      revoked_(revoked),
      passwords_(options_.password) {}

Verdict Authenticator::authenticate(const Login& login) {
  std::string_view username = login.username.value_or("");
  std::string_view password = login.password.value_or("");
  if (fold_case(username) == wire::kBackendUser) return by_backend_secret(username, password);
  if (password.empty()) return unmatched(username, DenyReason::no_credentials);
  if (jwt_ && looks_like_jwt(password)) return by_jwt(*jwt_, username, password);
  if (username.empty()) return unmatched(username, DenyReason::no_credentials);
  if (!wire::valid_name(username)) return unmatched(username, DenyReason::illegal_name);
  if (looks_like_token(password)) return by_token(username, password);
  return by_password(username, password);
}

bool Authenticator::is_guessable(const Login& login) const {
  const std::string_view password = login.password.value_or("");
  return !looks_like_token(password) && !(jwt_ && looks_like_jwt(password));
}

Result<> Authenticator::reload() {
  if (!jwt_) return {};
  return jwt_->reload();
}

Verdict Authenticator::by_backend_secret(std::string_view username, std::string_view password) const {
  const std::string& secret = options_.backend_secret;
  if (username != wire::kBackendUser || secret.empty() || !equal_constant_time(secret, password)) {
    return deny(DenyReason::backend_secret);
  }
  return Admitted{.user = std::string(wire::kBackendUser), .method = AuthMethod::backend};
}

Verdict Authenticator::by_jwt(const JwtVerifier& jwt, std::string_view username,
                              std::string_view token) const {
  WallTime now = clock_.wall();
  auto claims = jwt.verify(token, now);
  if (claims) {
    WallTime end = now < claims->exp ? claims->exp : claims->exp + jwt.rules().leeway;
    return by_claims(username, *claims, end);
  }
  if (!is_signed_by_us(claims.error()) && may_defer(username)) return Deferred{};
  return Denied{DenyReason::jwt_refused, jwt_failure_text(claims.error())};
}

Verdict Authenticator::by_claims(std::string_view username, const JwtClaims& claims, WallTime end) const {
  const std::string& subject = claims.sub;
  if (!username.empty() && username != subject) return deny(DenyReason::jwt_other_user);
  if (revoked_ && revoked_->covers(claims)) return deny(DenyReason::jwt_revoked);
  Admitted admitted{.user = subject, .method = AuthMethod::jwt, .expires_at = end};
  admitted.jti = claims.jti;
  admitted.issued_at = claims.iat;
  std::optional<Accounts::User> user = accounts_.find_user(subject);
  if (!user) {
    if (accounts_.name_taken(subject)) return deny(DenyReason::jwt_name_taken);
    if (accounts_.name_blocked(subject)) return deny(DenyReason::erased);
    if (!options_.jwt_auto_user) return deny(DenyReason::jwt_unknown_user);
    admitted.new_user = true;
    return admitted;
  }
  if (user->disabled) return deny(DenyReason::disabled);
  if (user->admin && !options_.jwt_admins) return deny(DenyReason::jwt_admin);
  admitted.admin = user->admin;
  return admitted;
}

Verdict Authenticator::by_token(std::string_view username, std::string_view text) const {
  std::optional<Accounts::Token> token = accounts_.find_token(token_sha256(text));
  if (!token) return unmatched(username, DenyReason::token_unknown);
  if (token->user != username) return deny(DenyReason::token_other_user);
  Admitted admitted{.user = std::string(username), .method = AuthMethod::token};
  admitted.token_id = token->id;
  if (token->expires_ms != 0) {
    admitted.expires_at = from_ms(token->expires_ms);
    if (clock_.wall() >= *admitted.expires_at) return deny(DenyReason::token_expired);
  }
  std::optional<Accounts::User> user = accounts_.find_user(username);
  if (!user) return deny(DenyReason::unknown_user);
  if (user->disabled) return deny(DenyReason::disabled);
  admitted.admin = user->admin;
  return admitted;
}

Verdict Authenticator::by_password(std::string_view username, std::string_view password) {
  if (may_defer(username)) return Deferred{};
  std::optional<ScramVerifier> scram = accounts_.scram(username);
  SteadyTime now = clock_.steady();
  auto answer =
      scram ? passwords_.check(username, *scram, password, now) : passwords_.check_unknown(password, now);
  if (answer == PasswordChecker::Answer::busy) return Busy{};
  std::optional<Accounts::User> user = accounts_.find_user(username);
  if (!user) return deny(DenyReason::unknown_user);
  if (answer == PasswordChecker::Answer::wrong) return deny(DenyReason::wrong_password);
  // Only now: whoever does not know the password is not to learn that the account is disabled.
  if (user->disabled) return deny(DenyReason::disabled);
  return Admitted{.user = std::string(username), .method = AuthMethod::password, .admin = user->admin};
}

ScramVerifier Authenticator::scram_verifier(std::string_view user) const {
  ScramVerifier made_up = fake_scram_verifier(options_.scram_secret, user);
  return accounts_.scram(user).value_or(std::move(made_up));
}

Verdict Authenticator::by_scram(std::string_view user, const ScramVerifier& verifier) const {
  const std::optional<Accounts::User> account = accounts_.find_user(user);
  if (!account) return deny(DenyReason::unknown_user);
  if (accounts_.scram(user) != verifier) return deny(DenyReason::wrong_password);
  if (account->disabled) return deny(DenyReason::disabled);
  return Admitted{.user = std::string(user), .method = AuthMethod::scram, .admin = account->admin};
}

Verdict Authenticator::by_bearer(std::string_view user, std::string_view token) const {
  if (!jwt_) return deny(DenyReason::jwt_refused);
  const Verdict verdict = by_jwt(*jwt_, user, token);
  return std::holds_alternative<Deferred>(verdict) ? deny(DenyReason::jwt_refused) : verdict;
}

Verdict Authenticator::unmatched(std::string_view username, DenyReason reason) const {
  if (may_defer(username)) return Deferred{};
  return deny(reason);
}

bool Authenticator::may_defer(std::string_view username) const {
  return options_.other_users == OtherUsers::defer && !accounts_.name_taken(username) &&
         !accounts_.name_blocked(username);
}

}  // namespace parley::plugin
