#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/crypto.h"
#include "plugin/limits/lru_map.h"
#include "plugin/limits/token_bucket.h"

namespace parley::plugin {

struct PasswordOptions {
  std::size_t cache_entries_max = 10'000;  // about 150 bytes each
  std::chrono::seconds cache_ttl{300};     // from the slow check on; use does not prolong it. 0: no cache
  double slow_checks_per_second =
      50;  // 0: no limit. A slow check holds the broker's thread for about 1 ms: 50 are 5 % of it
  double slow_checks_burst =
      50;  // and at most this many in a row. Raising either slows every message behind them
};

// Passwords against SCRAM verifiers, on the broker's one thread and within a budget.
//
// A slow check (PBKDF2) takes one token from the budget for each 4,096 iterations of the verifier, begun ones
// counted; with none left the answer is `busy` and nothing was computed. A password found right is remembered
// for cache_ttl and then costs a single HMAC and no token. The cache is keyed by an HMAC under a key of this
// process's own, over user, verifier and password: a new password has a new verifier, so an old one is never
// remembered past the change. Wrong passwords are never remembered: each one costs a token.
//
// Names can't be told by time: a user that does not exist, or has no password, goes through check_unknown(),
// which costs the same time (that of 4,096 iterations, the default) and comes out of the same budget (with a
// budget of its own the one that runs dry first would tell). So a flood of guesses, at known names or
// unknown, can make new password logins `busy`; tokens, JWTs and remembered passwords go on.
//
// Not thread-safe. Never blocks but for the computation. Keeps no password and no verifier.
class PasswordChecker {
 public:
  enum class Answer { right, wrong, busy };

  explicit PasswordChecker(const PasswordOptions& options);

  Answer check(std::string_view user, const ScramVerifier& verifier, std::string_view password,
               SteadyTime now);
  // wrong or busy.
  Answer check_unknown(std::string_view password, SteadyTime now);

  // Slow checks a second, and so many at once; what was taken stays taken.
  void set_budget(double slow_checks_per_second) {
    pace_ = TokenBucket::Pace({slow_checks_per_second, slow_checks_per_second});
  }

  std::size_t remembered() const { return cache_.size(); }

 private:
  struct DigestHash {
    std::size_t operator()(const Sha256& digest) const {
      std::size_t hash;
      std::memcpy(&hash, digest.data(), sizeof(hash));
      return hash;
    }
  };

  Sha256 cache_key(std::string_view user, const ScramVerifier& verifier, std::string_view password) const;
  bool is_remembered(const Sha256& key, SteadyTime now);
  bool take_budget(std::uint32_t iterations, SteadyTime now);

  std::chrono::seconds cache_ttl_;
  std::string process_key_;
  ScramVerifier dummy_;
  TokenBucket::Pace pace_;
  TokenBucket budget_;
  LruMap<Sha256, SteadyTime, DigestHash> cache_;  // value: when it is to be forgotten
};

}  // namespace parley::plugin
