#pragma once
#include <sys/socket.h>

namespace parley::backend {

// Whether an address is one of the Internet's hosts. Not: loopback, private (RFC 1918, RFC 6598, RFC 4193), link-local, multicast,
// unspecified, reserved and documentation ranges (RFC 6890), nor IPv6 forms that carry such an IPv4 address (mapped, compatible,
// NAT64, 6to4, Teredo); families other than IPv4 and IPv6.
bool is_public_address(const sockaddr& address);

}  // namespace parley::backend
