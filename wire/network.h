#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Addresses and networks as bans and `trusted_networks` name them: IPv4 and IPv6 in their usual texts, a network as ADDRESS/BITS (CIDR, RFC 4632, RFC 4291).
// An IPv4 address written in IPv6 (::ffff:192.0.2.1) is that IPv4 address. Pure.
namespace parley::wire {

struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};  // IPv4 as ::ffff:a.b.c.d
  bool is_ipv4() const;
  auto operator<=>(const IpAddress&) const = default;
};

struct Network {
  IpAddress base;           // no bit set beyond `bits`
  std::uint8_t bits = 128;  // of the 128: an IPv4 /24 is 120
  bool contains(const IpAddress& address) const;
  bool is_one_address() const { return bits == 128; }
  auto operator<=>(const Network&) const = default;
};

// nullopt: not an address, or one with a zone (fe80::1%eth0), a port, blanks.
std::optional<IpAddress> parse_address(std::string_view text);
// Where a client is, as a broker tells it. Should that be a list (X-Forwarded-For), the last one counts, which the nearest proxy wrote.
std::optional<IpAddress> parse_client_address(std::string_view text);
// Also a single address. Bits beyond the prefix are taken as 0.
std::optional<Network> parse_network(std::string_view text);
Network network_of(const IpAddress& address, std::uint8_t bits);  // bits of the 128

// "192.0.2.1", "192.0.2.0/24", "2001:db8::/32": what parse_network() reads back.
std::string to_text(const IpAddress& address);
std::string to_text(const Network& network);

}  // namespace parley::wire
