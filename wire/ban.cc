#include "wire/ban.h"

#include "wire/names.h"
#include "wire/network.h"

namespace parley::wire {
namespace {

constexpr std::string_view kNames[] = {"user", "client", "network"};

Result<std::string> canonical_network(std::string_view target) {
  const auto network = parse_network(target);
  if (!network)
    return fail(Errc::invalid_argument,
                "This is neither an address nor a network such as 192.0.2.0/24 or 2001:db8::/32.");
  const bool ipv4 = network->base.is_ipv4() && network->bits >= 96;
  const int least = ipv4 ? 96 + kBanNetworkBitsMin4 : kBanNetworkBitsMin6;
  if (network->bits < least)
    return fail(Errc::invalid_argument, "A network can't be wider than /" +
                                            std::to_string(kBanNetworkBitsMin4) + " (IPv4) or /" +
                                            std::to_string(kBanNetworkBitsMin6) + " (IPv6).");
  return to_text(*network);
}

}  // namespace

std::string_view ban_kind_name(BanKind kind) {
  return kNames[static_cast<std::size_t>(kind)];
}

std::optional<BanKind> parse_ban_kind(std::string_view name) {
  for (std::uint8_t i = 0; i < std::size(kNames); ++i)
    if (kNames[i] == name) return static_cast<BanKind>(i);
  return std::nullopt;
}

Result<std::string> canonical_target(BanKind kind, std::string_view target) {
  if (kind == BanKind::network) return canonical_network(target);
  if (!valid_name(target)) return fail(Errc::invalid_argument, "This is not a legal name.");
  return std::string(target);
}

}  // namespace parley::wire
