#pragma once
#include <cstdint>
#include <string>
#include <string_view>

// The client's side of WebSocket (RFC 6455) as far as MQTT needs it: subprotocol `mqtt`, binary frames. Pure.
namespace parley::bench {

// The request that opens it. The key is fixed: the answer is not checked against it, for nobody stands between.
std::string websocket_request(std::string_view host);

// Takes the server's answer to the request off `bytes`.
enum class Upgrade { done, incomplete, refused };
Upgrade take_upgrade(std::string_view& bytes);

// `payload` as one masked binary frame. The mask is zero, which the standard allows and which costs nothing.
void append_frame(std::string& out, std::string_view payload);

// Turns the bytes of frames back into the bytes they carry, whatever way both are cut. Not thread-safe.
class FrameReader {
 public:
  // Appends what `bytes` carries to `out`. False: closed by the server, or no frame; the connection is to be ended.
  // Pings are left unanswered: Mosquitto sends none.
  bool read(std::string_view bytes, std::string& out);

 private:
  bool header_complete();

  std::string header_;        // of the frame under way, as far as it came
  std::uint64_t left_ = 0;    // bytes of its payload still to come
  bool carries_data_ = true;  // else they are a control frame's
};

}  // namespace parley::bench
