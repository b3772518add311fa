#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "backend/store/audit_store.h"
#include "backend/store/directory_change.h"
#include "base/clock.h"
#include "base/result.h"

namespace parley::backend {

struct Account {
  std::string name;  // as created
  std::string title;
  bool admin = false;
  bool disabled = false;
  std::string scram;  // verifier text of base/crypto.h, "" when there is no password
  WallTime created_at{};
};
struct NewAccount {
  std::string name;  // legal
  std::string title;
  bool admin = false;
  std::string scram;
  std::optional<Act> act{};
};
struct AccountUpdate {  // what is given is set
  std::optional<std::string> title{};
  std::optional<bool> admin{};
  std::optional<bool> disabled{};
  std::optional<std::string> scram{};
  std::optional<Act> act{};
};

struct Token {
  std::string id;  // ULID text
  std::string user;
  std::string label;
  WallTime created_at{};
  std::optional<WallTime> expires_at{};
};
struct NewToken {
  std::string id;
  std::string user;
  std::string label;
  std::string sha256;  // raw 32 bytes of the token's text; the token itself is never stored
  std::optional<WallTime> expires_at{};
  std::optional<Act> act{};
};

inline constexpr std::uint32_t kTokensPerUserMax = 200;

// Accounts and their device tokens: the truth of them. Each change is one transaction, which also writes its
// step of the Directory log. Thread-safe; calls block on the database. Names are compared exactly as created,
// but for uniqueness. Accounts are disabled, never removed but by EraseStore; one that is being erased counts as not there,
// its name as taken for ever. Errors of all: unavailable (nothing was changed,
// retry), corrupt, internal; not_found where the account or token named is not there.
class UserStore {
 public:
  virtual ~UserStore() = default;

  virtual Result<Account> find(const std::string& name) = 0;
  // Those after `after`, in byte order of their names.
  virtual Result<std::vector<Account>> list(const std::string& after, std::uint32_t limit) = 0;
  // already_exists: the name is taken, perhaps in another case.
  virtual Result<Committed<Account>> create(const NewAccount& account) = 0;
  virtual Result<Committed<Account>> update(const std::string& name, const AccountUpdate& update) = 0;

  // Also removes this user's expired tokens. invalid_argument: the user holds kTokensPerUserMax others.
  virtual Result<Committed<Token>> create_token(const NewToken& token) = 0;
  virtual Result<Committed<Token>> revoke_token(const std::string& id,
                                                const std::optional<Act>& act = {}) = 0;
  virtual Result<Token> find_token(const std::string& id) = 0;
  virtual Result<std::vector<Token>> tokens(const std::string& user) = 0;  // oldest first

  virtual Result<std::uint64_t> count() = 0;
};

}  // namespace parley::backend
