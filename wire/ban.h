#pragma once
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

// Who is not let in: what `ban.add`, `ban.list` and the plugin's own list say of it (topics.md §8). Pure.
namespace parley::wire {

enum class BanKind : std::uint8_t { user = 0, client = 1, network = 2 };  // numbers are kept on disk
std::string_view ban_kind_name(BanKind kind);                             // "user" "client" "network"
std::optional<BanKind> parse_ban_kind(std::string_view name);

inline constexpr std::size_t kBanReasonMax = 200;  // bytes
inline constexpr std::uint32_t kBansMax = 10'000;  // by administrators; as many again by the broker itself
inline constexpr std::uint32_t kBanListMax = 250;  // of one answer
inline constexpr std::uint64_t kBanSecondsMax = 10ull * 366 * 86400;
inline constexpr std::uint8_t kBanNetworkBitsMin4 =
    8;  // a wider network than 10.0.0.0/8 is rather a slip of the hand
inline constexpr std::uint8_t kBanNetworkBitsMin6 = 16;

struct Ban {
  BanKind kind = BanKind::user;
  std::string target;         // a user's or client's name, an address, a network
  std::string reason;         // for people, "" none
  std::string by;             // the administrator; "" the broker itself
  std::int64_t at_ms = 0;     // since when
  std::int64_t until_ms = 0;  // 0: for good
  bool operator==(const Ban&) const = default;
};

// The target as the list keeps it: a network in its one spelling, names unchanged. invalid_argument with a sentence when it is none, or wider than the two
// limits above.
Result<std::string> canonical_target(BanKind kind, std::string_view target);

// {"id":"network:192.0.2.0/24","kind":"network","target":"192.0.2.0/24","reason":"…","by":"root","at":ms,"until":ms}: without `reason`, `by` (the broker
// itself), `until` (for good) where there is none. From JSON everything is checked, the target's one spelling included; invalid_argument.
nlohmann::json ban_to_json(const Ban& ban);
Result<Ban> ban_from_json(const nlohmann::json& json);

// "user:mallory": a ban's id, and back.
std::string ban_id(BanKind kind, std::string_view target);
std::optional<std::pair<BanKind, std::string>> parse_ban_id(std::string_view id);
inline constexpr std::size_t kBanIdMax = 80;  // bytes

// No control characters, at most kBanReasonMax bytes.
bool valid_ban_reason(std::string_view reason);

}  // namespace parley::wire
