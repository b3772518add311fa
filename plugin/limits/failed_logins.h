#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "plugin/limits/lru_map.h"

namespace parley::plugin {

// Failures that cost nothing, and how fast they are forgiven: one each `forgive`. Each failure beyond `free` locks for twice as long as the one before,
// `lock_first` at first, `lock_max` at most. free 0: never locks.
struct FailureRule {
  double free = 5;
  std::chrono::seconds forgive{600};
  std::chrono::seconds lock_first{1}, lock_max{900};
};

struct FailedLoginOptions {
  FailureRule pair{5, std::chrono::minutes(10)};     // one user's from one address
  FailureRule address{50, std::chrono::minutes(1)};  // any users', from one address
  FailureRule user{100, std::chrono::minutes(1), std::chrono::seconds(1),
                   std::chrono::minutes(1)};  // one user's, from all addresses
  std::chrono::hours known_for{
      24 * 30};  // a device, or an address, from which a user logged in within this time is known
  std::size_t entries_max = 50'000;  // of each of the six tables; up to 300 bytes each
};

// Guesses at passwords, slowed; and nobody locked out by a stranger.
//
// A failure counts in three places: for the user from that address, for the address, for the user from anywhere. Where one of them has had too many, the
// next attempt has to wait, longer each time; an attempt within that time is refused unseen and counts nowhere.
// What a stranger does must not keep out who belongs:
// - a *known* device (address, user and client id from which a login by password was right of late) is measured by its own failures and nothing else;
// - an address a user logged in from of late is not measured by what other addresses did to the user's name;
// - who logs in from elsewhere meets the user's count, which locks for a minute at most: between two locks one attempt passes, whoever makes it first.
// Tokens and JWTs are not asked about here: nobody guesses them.
//
// `address` "" (a proxy's, unknown): not counted by address; the pair is then the user behind all such addresses, so it is not counted either.
// Forgotten with the process. Bounded. Not thread-safe; never blocks.
class FailedLogins {
 public:
  struct Attempt {
    std::string_view address, user, client_id;
  };
  explicit FailedLogins(const FailedLoginOptions& options);

  void set_rules(const FailedLoginOptions& options) { options_ = options; }

  // How long until such an attempt would be looked at; nullopt: now.
  std::optional<std::chrono::seconds> wait(const Attempt& attempt, SteadyTime now);
  void failed(const Attempt& attempt, SteadyTime now);
  // Forgives the pair and the device, not the address: whoever has an account of their own could otherwise go on guessing at others'.
  void succeeded(const Attempt& attempt, SteadyTime now);

  std::size_t addresses() const { return addresses_.size(); }
  std::size_t size() const { return devices_.size() + pairs_.size() + addresses_.size() + users_.size(); }

 private:
  struct Record {
    double failures = 0;  // as of `at`
    SteadyTime at{}, locked_until = SteadyTime::min();
  };
  using Records = LruMap<std::string, Record>;

  static std::optional<std::chrono::seconds> locked(Records& records, const std::string& key, SteadyTime now);
  static void count(Records& records, const std::string& key, const FailureRule& rule, SteadyTime now);
  bool is_known(LruMap<std::string, SteadyTime>& known, const std::string& key, SteadyTime now) const;
  void remember(LruMap<std::string, SteadyTime>& known, const std::string& key, SteadyTime now);

  FailedLoginOptions options_;
  Records devices_, pairs_, addresses_, users_;
  LruMap<std::string, SteadyTime> known_devices_, known_pairs_;  // when the last login was right
};

}  // namespace parley::plugin
