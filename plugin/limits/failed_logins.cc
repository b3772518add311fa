#include "plugin/limits/failed_logins.h"

#include <algorithm>
#include <cmath>

#include "base/encoding.h"

namespace parley::plugin {
namespace {

// None of the parts holds a byte 0: MQTT strings can't, addresses don't.
std::string joined(std::string_view a, std::string_view b) {
  std::string key(a);
  key += '\0';
  return key.append(fold_case(b));
}

std::string device_key(const FailedLogins::Attempt& a) {
  return joined(joined(a.address, a.user), a.client_id);
}
std::string pair_key(const FailedLogins::Attempt& a) {
  return joined(a.address, a.user);
}

}  // namespace

FailedLogins::FailedLogins(const FailedLoginOptions& options)
    : options_(options),
      devices_(options.entries_max),
      pairs_(options.entries_max),
      addresses_(options.entries_max),
      users_(options.entries_max),
      known_devices_(options.entries_max),
      known_pairs_(options.entries_max) {}

std::optional<std::chrono::seconds> FailedLogins::locked(Records& records, const std::string& key,
                                                         SteadyTime now) {
  const Record* record = records.find(key);
  if (record == nullptr || record->locked_until <= now) return std::nullopt;
  return std::chrono::ceil<std::chrono::seconds>(record->locked_until - now);
}

std::optional<std::chrono::seconds> FailedLogins::wait(const Attempt& a, SteadyTime now) {
  if (const auto device = device_key(a); is_known(known_devices_, device, now))
    return locked(devices_, device, now);
  const bool counted = !a.address.empty();
  const auto pair = pair_key(a);
  auto longest = counted ? locked(pairs_, pair, now) : std::nullopt;
  if (counted) longest = std::max(longest, locked(addresses_, std::string(a.address), now));
  if (!counted || !is_known(known_pairs_, pair, now))
    longest = std::max(longest, locked(users_, fold_case(a.user), now));
  return longest;
}

void FailedLogins::count(Records& records, const std::string& key, const FailureRule& rule, SteadyTime now) {
  using std::chrono::duration;
  if (rule.free <= 0) return;
  Record* record = records.find(key);
  if (record == nullptr) record = &records.insert(key, Record{0, now});
  const double forgiven = duration<double>(now - record->at) / duration<double>(rule.forgive);
  record->failures = std::max(0.0, record->failures - std::max(0.0, forgiven)) + 1;
  record->at = now;
  const double beyond = record->failures - rule.free;
  if (beyond <= 0) return;
  const double doublings = std::clamp(beyond - 1, 0.0, 32.0);
  const double lock_s = std::min(static_cast<double>(rule.lock_max.count()),
                                 static_cast<double>(rule.lock_first.count()) * std::exp2(doublings));
  record->locked_until = now + std::chrono::milliseconds(static_cast<std::int64_t>(lock_s * 1000));
}

void FailedLogins::failed(const Attempt& a, SteadyTime now) {
  if (const auto device = device_key(a); is_known(known_devices_, device, now))
    return count(devices_, device, options_.pair, now);
  if (!a.address.empty()) {
    count(pairs_, pair_key(a), options_.pair, now);
    count(addresses_, std::string(a.address), options_.address, now);
  }
  count(users_, fold_case(a.user), options_.user, now);
}

void FailedLogins::succeeded(const Attempt& a, SteadyTime now) {
  const auto device = device_key(a), pair = pair_key(a);
  remember(known_devices_, device, now);
  remember(known_pairs_, pair, now);
  devices_.erase(device);
  pairs_.erase(pair);
}

bool FailedLogins::is_known(LruMap<std::string, SteadyTime>& known, const std::string& key,
                            SteadyTime now) const {
  const SteadyTime* last = known.find(key);
  return last != nullptr && now - *last < options_.known_for;
}

void FailedLogins::remember(LruMap<std::string, SteadyTime>& known, const std::string& key, SteadyTime now) {
  if (SteadyTime* last = known.find(key))
    *last = now;
  else
    known.insert(key, now);
}

}  // namespace parley::plugin
