#include "wire/network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace parley::wire {
namespace {

constexpr std::uint8_t kIpv4Offset = 96;  // bits before an IPv4 address
constexpr std::array<std::uint8_t, 12> kIpv4Prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::optional<std::uint8_t> parse_bits(std::string_view text, std::uint8_t most) {
  unsigned bits = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), bits);
  if (ec != std::errc() || end != text.data() + text.size() || bits > most) return std::nullopt;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return static_cast<std::uint8_t>(bits);
}

}  // namespace

bool IpAddress::is_ipv4() const {
  return std::equal(kIpv4Prefix.begin(), kIpv4Prefix.end(), bytes.begin());
}

bool Network::contains(const IpAddress& address) const {
  return network_of(address, bits).base == base;
}

std::optional<IpAddress> parse_address(std::string_view text) {
  char terminated[INET6_ADDRSTRLEN + 1] = {};
  if (text.size() >= sizeof(terminated) || text.find('\0') != text.npos) return std::nullopt;
  std::copy(text.begin(), text.end(), terminated);
  IpAddress address;
  if (text.find(':') != text.npos) {
    if (inet_pton(AF_INET6, terminated, address.bytes.data()) != 1) return std::nullopt;
    return address;
  }
  std::copy(kIpv4Prefix.begin(), kIpv4Prefix.end(), address.bytes.begin());
  if (inet_pton(AF_INET, terminated, address.bytes.data() + kIpv4Prefix.size()) != 1) return std::nullopt;
  return address;
}

std::optional<IpAddress> parse_client_address(std::string_view text) {
  text.remove_prefix(text.rfind(',') + 1);  // npos + 1 is 0
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return parse_address(text);
}

std::optional<Network> parse_network(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == text.npos) return Network{*address, 128};
  const bool ipv4 = text.substr(0, slash).find(':') == text.npos;
  const auto bits = parse_bits(text.substr(slash + 1), ipv4 ? 32 : 128);
  if (!bits) return std::nullopt;
  return network_of(*address, ipv4 ? static_cast<std::uint8_t>(kIpv4Offset + *bits) : *bits);
}

Network network_of(const IpAddress& address, std::uint8_t bits) {
  Network network{address, bits};
  for (std::size_t i = 0; i < network.base.bytes.size(); ++i) {
    const int kept = std::clamp(static_cast<int>(bits) - static_cast<int>(8 * i), 0, 8);
    network.base.bytes[i] &= static_cast<std::uint8_t>(0xff00 >> kept);
  }
  return network;
}

std::string to_text(const IpAddress& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.is_ipv4())
    inet_ntop(AF_INET, address.bytes.data() + kIpv4Prefix.size(), text, sizeof(text));
  else
    inet_ntop(AF_INET6, address.bytes.data(), text, sizeof(text));
  return text;
}

// A network wider than all of IPv4 within IPv6 (::/64) is an IPv6 network, whatever its base looks like.
std::string to_text(const Network& network) {
  const bool ipv4 = network.base.is_ipv4() && network.bits >= kIpv4Offset;
  if (network.is_one_address()) return to_text(network.base);
  return to_text(network.base) + "/" + std::to_string(ipv4 ? network.bits - kIpv4Offset : network.bits);
}

}  // namespace parley::wire
