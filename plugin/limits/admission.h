#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "plugin/limits/ban_index.h"
#include "plugin/limits/failed_logins.h"
#include "plugin/limits/lru_map.h"
#include "plugin/limits/token_bucket.h"
#include "wire/network.h"

namespace parley::plugin {

struct AdmissionOptions {
  RateLimit connects{20, 500};  // of one address; 0: no limit
  FailedLoginOptions failures;
  std::uint32_t flap_connects =
      60;  // logins of one client id within flap_window that are too many; 0: no limit
  std::chrono::seconds flap_window{60}, flap_ban{300};
  std::vector<wire::Network> trusted;  // proxies and the like: one address, many clients
  std::size_t addresses_max = 50'000,
              clients_max = 50'000;  // remembered; the one not seen for longest goes first
};

// Someone at the door. Views live as long as the call.
struct Arrival {
  std::string_view address;    // as the broker gives it; "" or no address: not limited by address
  std::string_view client_id;  // "" none yet
  std::string_view user;       // the name given or, in login_ok, the account's; "" none
  bool guessable = true;       // logs in by a password (SCRAM included), not by a token, which nobody guesses
};

// Who may not try to log in at all, at this moment, whatever they know.
struct NotNow {
  enum class Cause { banned, connect_rate, slowed };
  Cause cause;
  std::string reason;  // for the log; holds nothing the client sent but names and addresses
};

// The door before authentication: bans, the rate of connects of an address, the slowing of guesses, client ids that come and go without end. Costs some
// lookups; nothing here computes a hash that is slow on purpose.
//
// An address is an IPv4 address or an IPv6 /64. Behind `trusted` many stand: neither rate nor guesses are counted for such an address, bans hold.
// The backend's name ($parleyd) always passes, from anywhere, and is never counted for a name: strangers can't lock it out, and its secret is compared in
// a microsecond. Its wrong secrets count for the address they come from.
//
// Bounded: each table lets go of what was not seen for longest; at worst about 85 MB, when all are full. Not thread-safe; never blocks; time is passed in.
class Admission {
 public:
  // `bans` must outlive it.
  Admission(AdmissionOptions options, const BanIndex& bans);

  // From now on; what was counted stays counted. The bounds of the tables stay as they were.
  void set_options(AdmissionOptions options);

  // Asked once for each CONNECT (and start of an enhanced authentication), before anything is computed; takes a token of the address's.
  // nullopt: go on, and tell what came of it by one of the next two.
  std::optional<NotNow> may_connect(const Arrival& arrival, SteadyTime now, WallTime wall);

  // The password was wrong, or the account is not there: which of them makes no difference here.
  void login_failed(const Arrival& arrival, SteadyTime now);

  // All was right, and the client id is this user's. What it gives is to be added to the bans, and the login denied: the client id came too often.
  std::optional<wire::Ban> login_ok(const Arrival& arrival, SteadyTime now, WallTime wall);

  // The ban that keeps this one out, in force now.
  const wire::Ban* banned(const Arrival& arrival, WallTime wall) const;
  // Whatever is handed to a user's client, live or asleep, passes here (P6).
  bool may_read(std::string_view user, std::string_view client_id, WallTime wall) const {
    return !bans_.user(user, wall) && !bans_.client(client_id, wall);
  }

  // What counts as one address; "" when it is not to be counted.
  std::string counted_address(std::string_view address) const;

  std::size_t tracked_addresses() const { return connects_.size() + failures_.addresses(); }
  std::size_t tracked_failures() const { return failures_.size(); }

 private:
  struct Flapping {
    SteadyTime since;
    std::uint32_t connects = 0;
  };

  bool is_trusted(const wire::IpAddress& address) const;

  AdmissionOptions options_;
  const BanIndex& bans_;
  RateLimiter<std::string> connects_;
  FailedLogins failures_;
  LruMap<std::string, Flapping> flapping_;  // by client id
};

}  // namespace parley::plugin
