#include "plugin/broker/forwarded_for.h"

#include "base/text_cut.h"

namespace parley::plugin {

std::string_view believable_address(std::string_view told, bool websocket, ForwardedFor header) {
  if (!websocket || header == ForwardedFor::unheard) return told;
  if (header == ForwardedFor::ignored) return kWebSocketPeer;
  return trimmed(told.substr(told.rfind(',') + 1));
}

}  // namespace parley::plugin
