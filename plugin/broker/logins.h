#pragma once
#include <string>
#include <string_view>

#include "base/result.h"
#include "plugin/auth/authenticator.h"
#include "plugin/auth/jwt_key_watch.h"
#include "plugin/broker/core.h"
#include "plugin/broker/directory_accounts.h"

namespace parley::plugin {

enum class LoginVerdict { accept, deny, busy, defer };

// Who connects, from CONNECT to the end of the connection. For the broker's thread.
class Logins {
 public:
  static Result<std::unique_ptr<Logins>> open(Core& core);

  // `new_username` is set when the broker is to know the client by another name than it gave (a JWT's subject).
  LoginVerdict login(const Client& client, const char* username, const char* password,
                     std::string& new_username);
  void disconnected(const void* key);

  // The same in parts, for who authenticates otherwise (EnhancedAuth). A newcomer: the broker uses an object's address again, and whoever had it
  // is gone.
  void newcomer(const Client& client);
  // Before anything is computed: who may not try at all now, counted and logged.
  std::optional<LoginVerdict> turned_away(const Client& client, const Arrival& arrival);
  LoginVerdict settle(const Client& client, const Arrival& arrival, const Verdict& verdict,
                      std::string& new_username);
  LoginVerdict deny(const Client& client, std::string_view why);
  // A session goes on with what its user proved anew.
  void renew(const Session& session, const Admitted& admitted);
  Authenticator& authenticator() { return *authenticator_; }

  // The session of a connection; a client that TLS identified (use_identity_as_username) never asks to log in, so it is taken on here, at its first
  // publish or subscription. nullptr: not one of ours, or asleep.
  Session* session(const Client& client);
  // Was this connection admitted by another mechanism of the operator's? Then its name means nothing here.
  bool foreign(const void* key) const { return !foreign_.empty() && foreign_.contains(key); }

  // SIGHUP: keys are read again, though a changed file is noticed without. Until the next tick the broker asks login() anew for every session, without passwords.
  void reload();
  void apply(const Options& options) {
    authenticator_->set_password_budget(options.password_checks_per_second);
  }
  void tick();

 private:
  explicit Logins(Core& core) : core_(core), accounts_(*core.directory) {}

  LoginVerdict still_there(const Client& client);
  LoginVerdict accept(const Client& client, const Admitted& admitted, Arrival arrival);
  LoginVerdict leave_to_others(const Client& client);
  bool claim_device(const Client& client, const std::string& user);
  void begin(const Client& client, Session session);
  void backend_gone(const Session& session);
  Session proof(const Admitted& admitted) const;
  void warn();
  void look_at_keys();

  static constexpr std::size_t kForeignMax = 100'000;

  Core& core_;
  DirectoryAccounts accounts_;
  std::unique_ptr<Authenticator> authenticator_;
  std::optional<JwtKeyWatch> key_watch_;
  std::unordered_set<const void*> foreign_;
  std::vector<const void*> departed_;  // of those, until the next tick: their wills come after the disconnect
  TokenBucket log_budget_;  // lines about logins that were denied: a flood of them is not to fill a disk
  bool reloading_ = false;
};

}  // namespace parley::plugin
