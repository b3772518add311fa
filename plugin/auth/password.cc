#include "plugin/auth/password.h"

#include <algorithm>

namespace parley::plugin {
namespace {

// Lengths in front keep ("ab","c") and ("a","bc") apart.
void append_part(std::string& out, std::string_view part) {
  std::uint64_t size = part.size();
  out.append(reinterpret_cast<const char*>(&size), sizeof(size));
  out.append(part);
}

}  // namespace

PasswordChecker::PasswordChecker(const PasswordOptions& options)
    : cache_ttl_(options.cache_ttl),
      process_key_(random_bytes(32)),
      dummy_(make_scram_verifier(random_bytes(32))),
      pace_({options.slow_checks_per_second, options.slow_checks_burst}),
      cache_(std::max<std::size_t>(options.cache_entries_max, 1)) {}

PasswordChecker::Answer PasswordChecker::check(std::string_view user, const ScramVerifier& verifier,
                                               std::string_view password, SteadyTime now) {
  Sha256 key = cache_key(user, verifier, password);
  if (is_remembered(key, now)) return Answer::right;
  if (!take_budget(verifier.iterations, now)) return Answer::busy;
  if (!scram_matches(verifier, password)) return Answer::wrong;
  if (cache_ttl_.count() > 0) cache_.insert(key, now + cache_ttl_);
  return Answer::right;
}

PasswordChecker::Answer PasswordChecker::check_unknown(std::string_view password, SteadyTime now) {
  if (!take_budget(dummy_.iterations, now)) return Answer::busy;
  // The dummy's own password is random and forgotten, so this is false; the time is what it is called for.
  (void)scram_matches(dummy_, password);
  return Answer::wrong;
}

Sha256 PasswordChecker::cache_key(std::string_view user, const ScramVerifier& verifier,
                                  std::string_view password) const {
  std::string parts;
  for (std::string_view part : {user, std::string_view(verifier.salt), std::string_view(verifier.stored_key),
                                std::string_view(verifier.server_key), password}) {
    append_part(parts, part);
  }
  return hmac_sha256(process_key_, parts);
}

bool PasswordChecker::is_remembered(const Sha256& key, SteadyTime now) {
  const SteadyTime* forget_at = cache_.find(key);
  if (forget_at == nullptr) return false;
  if (now < *forget_at) return true;
  cache_.erase(key);
  return false;
}

bool PasswordChecker::take_budget(std::uint32_t iterations, SteadyTime now) {
  std::uint32_t cost = (iterations + kScramIterationsDefault - 1) / kScramIterationsDefault;
  return budget_.try_take(pace_, now, cost);
}

}  // namespace parley::plugin
