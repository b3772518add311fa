#include "tools/parley-bench/websocket.h"

#include <algorithm>
#include <cstdint>

namespace parley::bench {
namespace {

constexpr std::uint8_t kContinuation = 0, kText = 1, kBinary = 2, kClose = 8;
constexpr std::uint8_t kFinal = 0x80, kMasked = 0x80;

std::size_t header_size(std::uint8_t length) {
  if (length == 127) return 10;
  return length == 126 ? 4 : 2;
}

void append_big_endian(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

}  // namespace

std::string websocket_request(std::string_view host) {
  return "GET /mqtt HTTP/1.1\r\nHost: " + std::string(host) +
         "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: cGFybGV5LWJlbmNoLWtleQ==\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n";
}

Upgrade take_upgrade(std::string_view& bytes) {
  const auto end = bytes.find("\r\n\r\n");
  if (end == bytes.npos) return Upgrade::incomplete;
  if (!bytes.starts_with("HTTP/1.1 101")) return Upgrade::refused;
  bytes.remove_prefix(end + 4);
  return Upgrade::done;
}

void append_frame(std::string& out, std::string_view payload) {
  out.push_back(static_cast<char>(kFinal | kBinary));
  if (payload.size() < 126) {
    out.push_back(static_cast<char>(kMasked | payload.size()));
  } else if (payload.size() <= 0xffff) {
    out.push_back(static_cast<char>(kMasked | 126));
    append_big_endian(out, payload.size(), 2);
  } else {
    out.push_back(static_cast<char>(kMasked | 127));
    append_big_endian(out, payload.size(), 8);
  }
  out.append(4, '\0');
  out.append(payload);
}

bool FrameReader::header_complete() {
  return header_.size() >= 2 && header_.size() == header_size(static_cast<std::uint8_t>(header_[1]));
}

bool FrameReader::read(std::string_view bytes, std::string& out) {
  while (!bytes.empty()) {
    if (left_ > 0) {
      const auto take = std::min<std::uint64_t>(left_, bytes.size());
      if (carries_data_) out.append(bytes.substr(0, take));
      bytes.remove_prefix(take);
      left_ -= take;
      continue;
    }
    header_.push_back(bytes.front());
    bytes.remove_prefix(1);
    if (!header_complete()) continue;
    const auto opcode = static_cast<std::uint8_t>(header_[0]) & 0x0f;
    const auto length = static_cast<std::uint8_t>(header_[1]);
    if (opcode == kClose || length >= kMasked) return false;  // a server masks nothing
    left_ = length < 126 ? length : 0;
    for (std::size_t i = 2; i < header_.size(); ++i)
      left_ = left_ << 8 | static_cast<std::uint8_t>(header_[i]);
    carries_data_ = opcode == kContinuation || opcode == kText || opcode == kBinary;
    header_.clear();
  }
  return true;
}

}  // namespace parley::bench
