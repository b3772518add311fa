#pragma once
#include <string_view>

namespace parley::plugin {

// From 2.0.15 on Mosquitto tells, as the address of a client that came over WebSocket, what its header X-Forwarded-For says, if it has one:
// whatever the client wrote, unless a proxy has overwritten it. Nothing tells such an address from a peer's own.
enum class ForwardedFor {
  unheard,  // the broker looks at no such header: addresses are the peers'
  ignored,  // it does, and clients can write what they like: a WebSocket client has no address that counts
  believed,  // all WebSocket clients come through a proxy that writes the header (plugin_opt_websocket_forwarded_for)
};

// In place of an address that anybody could have made up. No address: nothing is counted by it, no ban of an address holds.
constexpr std::string_view kWebSocketPeer = "websocket";

// `told`: what the broker gives as a client's address. Believed is the last hop of a header that several proxies wrote on: what the
// nearest one saw. Never throws.
std::string_view believable_address(std::string_view told, bool websocket, ForwardedFor header);

}  // namespace parley::plugin
