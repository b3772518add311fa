#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/crypto.h"

namespace parley::plugin {

// What the Authenticator asks the Directory about people. Views are good until the Directory changes. Names
// are found exactly as created.
class Accounts {
 public:
  struct User {
    bool admin = false;
    bool disabled = false;
  };
  struct Token {
    std::string_view id;
    std::string_view user;        // name as created
    std::int64_t expires_ms = 0;  // ms since 1970; 0: never
  };

  virtual ~Accounts() = default;

  virtual std::optional<User> find_user(std::string_view name) const = 0;
  // True when a user has this name, or one that differs only in case.
  virtual bool name_taken(std::string_view name) const = 0;
  // Nobody is to have this name, in any case: it was an erased user's.
  virtual bool name_blocked(std::string_view name) const = 0;
  // nullopt when there is no such user, or no password.
  virtual std::optional<ScramVerifier> scram(std::string_view name) const = 0;
  virtual std::optional<Token> find_token(const Sha256& digest) const = 0;
};

}  // namespace parley::plugin
