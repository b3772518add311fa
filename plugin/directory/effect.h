#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace parley::plugin {

// What a change of the Directory asks of whoever holds the sessions, so that a revocation is immediate:
// rights asked anew at each delivery are right at once, but messages already queued for a connected reader
// leave unless the session is ended.
struct Effect {
  enum class Kind {
    kick_user,   // end all sessions of user `name`
    kick_token,  // end the sessions that logged in by the token with id `name`
  };
  enum class Reason {
    disabled,          // the account was disabled
    password_changed,  // the verifier was replaced or taken away
    admin_lost,        // an administrator became an ordinary user
    removed,           // lost a room
    banned,            // was banned from a room
    gone,              // the account, or the token, is no longer there
    token_changed,     // the token now has another user, secret or expiry
  };
  Kind kind;
  Reason reason;
  std::string name;
  bool operator==(const Effect&) const = default;
};

using Effects = std::vector<Effect>;

std::string_view reason_name(Effect::Reason reason);

}  // namespace parley::plugin
