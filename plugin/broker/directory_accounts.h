#pragma once
#include "plugin/auth/accounts.h"
#include "plugin/directory/durable_directory.h"

namespace parley::plugin {

// The Directory as the Authenticator asks it; always the one live at that moment. The DurableDirectory must outlive it.
class DirectoryAccounts final : public Accounts {
 public:
  explicit DirectoryAccounts(const DurableDirectory& directory) : directory_(directory) {}

  std::optional<User> find_user(std::string_view name) const override {
    const auto user = directory_.live().find_user(name);
    if (!user) return std::nullopt;
    return User{.admin = user->admin, .disabled = user->disabled};
  }
  bool name_taken(std::string_view name) const override { return directory_.live().name_taken(name); }
  bool name_blocked(std::string_view name) const override { return directory_.live().name_blocked(name); }
  std::optional<ScramVerifier> scram(std::string_view name) const override {
    const auto user = directory_.live().find_user(name);
    return user ? parse_scram(directory_.live().scram(user->ref)) : std::nullopt;
  }
  std::optional<Token> find_token(const Sha256& digest) const override {
    const auto token = directory_.live().find_token(as_view(digest));
    if (!token) return std::nullopt;
    return Token{.id = token->id, .user = token->user_name, .expires_ms = token->expires_ms};
  }

 private:
  const DurableDirectory& directory_;
};

}  // namespace parley::plugin
