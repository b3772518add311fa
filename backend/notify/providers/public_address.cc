#include "backend/notify/providers/public_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace parley::backend {
namespace {

using Bytes = std::array<std::uint8_t, 16>;

struct Range4 {
  std::uint8_t a, b, c, d;
  int bits;
};
constexpr Range4 kNotPublic4[] = {
    {0, 0, 0, 0, 8},        // this network
    {10, 0, 0, 0, 8},       // private
    {100, 64, 0, 0, 10},    // shared by a carrier's customers
    {127, 0, 0, 0, 8},      // loopback
    {169, 254, 0, 0, 16},   // link-local
    {172, 16, 0, 0, 12},    // private
    {192, 0, 0, 0, 24},     // protocol assignments
    {192, 0, 2, 0, 24},     // documentation
    {192, 88, 99, 0, 24},   // 6to4 relays
    {192, 168, 0, 0, 16},   // private
    {198, 18, 0, 0, 15},    // benchmarks
    {198, 51, 100, 0, 24},  // documentation
    {203, 0, 113, 0, 24},   // documentation
    {224, 0, 0, 0, 3},      // multicast, reserved, broadcast
};

bool is_public4(std::uint32_t host) {
  return std::ranges::none_of(kNotPublic4, [host](const Range4& range) {
    const std::uint32_t first =
        std::uint32_t{range.a} << 24 | std::uint32_t{range.b} << 16 | std::uint32_t{range.c} << 8 | range.d;
    return (host ^ first) >> (32 - range.bits) == 0;
  });
}

bool is_public6(const Bytes& b) {
  if ((b[0] & 0xE0) != 0x20)
    return false;  // all that is global lies in 2000::/3; mapped, NAT64, fc00::, fe80::, ff00:: do not
  if (b[0] == 0x20 && b[1] == 0x01 && b[2] < 0x02) return false;  // 2001::/23: protocols, Teredo
  if (b[0] == 0x20 && b[1] == 0x01 && b[2] == 0x0D && b[3] == 0xB8) return false;  // documentation
  if (b[0] == 0x20 && b[1] == 0x02) return false;                                  // 6to4
  if (b[0] == 0x3F && b[1] == 0xFF && b[2] < 0x10) return false;                   // 3fff::/20: documentation
  return true;
}

}  // namespace

bool is_public_address(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    return is_public4(ntohl(v4.sin_addr.s_addr));
  }
  if (address.sa_family != AF_INET6) return false;
  sockaddr_in6 v6{};
  std::memcpy(&v6, &address, sizeof v6);
  Bytes bytes;
  std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  return is_public6(bytes);
}

}  // namespace parley::backend
