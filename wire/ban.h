#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

// Who is not let in: what `ban.add`, `ban.list` and the plugin's own list say of it (topics.md §8). Pure.
namespace parley::wire {

enum class BanKind : std::uint8_t { user = 0, client = 1, network = 2 };  // numbers are kept on disk
std::string_view ban_kind_name(BanKind kind);                             // "user" "client" "network"
std::optional<BanKind> parse_ban_kind(std::string_view name);

inline constexpr std::size_t kBanReasonMax = 200;  // bytes
inline constexpr std::uint32_t kBansMax = 10'000;  // by administrators; as many again by the broker itself
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

}  // namespace parley::wire
