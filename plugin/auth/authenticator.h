#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.h"
#include "plugin/auth/accounts.h"
#include "plugin/auth/jwt.h"
#include "plugin/auth/jwt_revocations.h"
#include "plugin/auth/password.h"

namespace parley::plugin {

enum class AuthMethod { backend, jwt, token, password, scram };
std::string_view auth_method_name(AuthMethod method);  // "backend" "jwt" "token" "password" "scram"

enum class DenyReason {
  backend_secret,  // the backend's name with anything but its secret
  no_credentials,  // no password, or none but a name that needs one
  illegal_name,
  unknown_user,  // also a user's name in another case
  disabled,
  jwt_refused,       // Denied::text says why
  jwt_other_user,    // a good token, of another than the username
  jwt_unknown_user,  // its subject has no account, and jwt_auto_user is off
  jwt_name_taken,    // its subject is another account's name in another case
  erased,            // the name was an erased user's
  jwt_revoked,       // it is on the list of revoked ones
  jwt_admin,         // its subject is an administrator, and jwt_admins is off
  token_unknown,
  token_other_user,
  token_expired,
  wrong_password,
};
std::string_view deny_reason_text(DenyReason reason);

struct Admitted {
  std::string user;  // the account's name; it may have to be given to the broker, when the client gave none
  AuthMethod method = AuthMethod::password;
  bool admin = false;
  std::optional<WallTime> expires_at;  // when the session has to end; none: never
  std::string token_id;                // method token: to end the session when it is revoked
  std::string jti;                     // method jwt: likewise; "": it has none
  std::optional<WallTime> issued_at;   // method jwt, when the token says it
  bool new_user = false;               // a JWT's subject without an account: to be made by the backend
};
struct Denied {
  DenyReason reason;
  std::string_view text;  // for the log; static, holds nothing the client sent
};
struct Busy {};      // the budget for slow checks is spent: "server busy", a retry a second later may do
struct Deferred {};  // not one of ours: left to the operator's other mechanisms
using Verdict = std::variant<Admitted, Denied, Busy, Deferred>;

struct Login {
  std::optional<std::string_view> username;  // "" counts as none
  std::optional<std::string_view> password;  // likewise
};

enum class OtherUsers { deny, defer };

struct AuthOptions {
  std::string backend_secret;  // contents of its file; "": the backend can't log in
  OtherUsers other_users = OtherUsers::deny;
  bool jwt_auto_user = false;  // a good JWT of an unknown subject makes that user
  bool jwt_admins = false;     // administrators may log in by JWT
  PasswordOptions password;
  std::string
      scram_secret;  // what the salts of unknown users are made from: random, the same after a restart
};

// Who is it that connects? Asks, in this order, and the first that recognises the password has the last word:
//   1. the user name is the backend's: the secret, or denied; never deferred, in whatever case it is written;
//   2. the password looks like a JWT, and there is a verifier;
//   3. it looks like a device token (so an account's password can't look like one);
//   4. the account's password.
// Without a user name only a JWT can log in, and its subject is the user.
//
// Deferred, with other_users defer: a name no account has in any case (illegal names too, and none at all),
// when the password is neither a token we know nor a JWT one of our keys signed. Such a name costs no slow
// check: whoever the operator admits by other means is no secret of ours. With deny, unknown names cost what
// known ones do (password.h).
//
// A JWT's session ends at `exp`; one taken within the leeway after it, at the end of the leeway. A revoked one is refused.
//
// Enhanced authentication (MQTT 5) has its own entrances: by_scram, once an exchange is through, and by_bearer. Neither ever defers.
// Not thread-safe. Never blocks but for the computation within the password budget. Logs nothing itself.
class Authenticator {
 public:
  // `accounts`, `clock` and `revoked` must outlive this.
  Authenticator(AuthOptions options, const Accounts& accounts, const Clock& clock,
                std::optional<JwtVerifier> jwt = std::nullopt, const JwtRevocations* revoked = nullptr);

  Verdict authenticate(const Login& login);

  // Would it be looked at as an account's password, which can be guessed? Tokens and JWTs can't.
  bool is_guessable(const Login& login) const;
  // The verifier a SCRAM exchange about `user` is to run with: a made-up one for names without an account or a password, which takes as long
  // to get and looks the same.
  ScramVerifier scram_verifier(std::string_view user) const;
  // After an exchange that ran with `verifier` and ended well. Refused when the account's is another by now.
  Verdict by_scram(std::string_view user, const ScramVerifier& verifier) const;
  // A JWT that came as OAUTHBEARER; `user` "": whoever it is for.
  Verdict by_bearer(std::string_view user, std::string_view token) const;
  // The JWTs' keys; nullptr when there are none.
  JwtVerifier* jwt() { return jwt_ ? &*jwt_ : nullptr; }

  // SIGHUP: reads the JWT keys again; on an error the old ones stay. Ok when there is no verifier.
  Result<> reload();

  void set_password_budget(double slow_checks_per_second) { passwords_.set_budget(slow_checks_per_second); }

 private:
  Verdict by_backend_secret(std::string_view username, std::string_view password) const;
  Verdict by_jwt(const JwtVerifier& jwt, std::string_view username, std::string_view token) const;
  Verdict by_claims(std::string_view username, const JwtClaims& claims, WallTime end) const;
  Verdict by_token(std::string_view username, std::string_view token) const;
  Verdict by_password(std::string_view username, std::string_view password);
  Verdict unmatched(std::string_view username, DenyReason reason) const;
  bool may_defer(std::string_view username) const;

  AuthOptions options_;
  const Accounts& accounts_;
  const Clock& clock_;
  std::optional<JwtVerifier> jwt_;
  const JwtRevocations* revoked_;
  PasswordChecker passwords_;
};

}  // namespace parley::plugin
