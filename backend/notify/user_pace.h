#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.h"

namespace parley::backend {

// So many notifications a minute for each user, that many at once. Bounded: with kUsersMax users under way, those who come are not
// limited until some are through. Not thread-safe.
class UserPace {
 public:
  static constexpr std::size_t kUsersMax = 100'000;

  explicit UserPace(std::uint32_t per_minute) : per_minute_(per_minute) {}

  // Takes one of the user's; else when there will be one.
  std::optional<WallTime> take(const std::string& user, WallTime now) {
    if (per_minute_ == 0) return std::nullopt;
    if (paid_until_.size() >= kUsersMax)
      std::erase_if(paid_until_, [&](const auto& item) { return item.second <= now; });
    auto at = paid_until_.find(user);
    if (at == paid_until_.end()) {
      if (paid_until_.size() >= kUsersMax) return std::nullopt;
      at = paid_until_.emplace(user, now).first;
    }
    auto& until = at->second;
    const auto price = std::chrono::milliseconds(60'000) / per_minute_;
    const auto paid = std::max(until, now) + price;
    if (paid > now + std::chrono::minutes(1)) return paid - std::chrono::minutes(1);
    until = paid;
    return std::nullopt;
  }

 private:
  const std::uint32_t per_minute_;
  std::unordered_map<std::string, WallTime> paid_until_;
};

}  // namespace parley::backend
