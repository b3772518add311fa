#pragma once
#include <cstdint>

namespace parley::backend {

// Sets TCP_NODELAY on every TCP connection of this process whose far end has port `port`; gives how many there are. Paho sets it on none and
// tells nobody its socket; without it a reply that follows an acknowledgement waits for the broker's delayed ACK, 40 ms (RFC 1122 §4.2.3.2-4).
int set_no_delay_towards(std::uint16_t port);

}  // namespace parley::backend
