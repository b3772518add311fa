#include "plugin/directory/frames.h"

#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <span>

#include "base/crc32c.h"
#include "wire/bytes.h"

namespace parley::plugin {
namespace {

constexpr std::size_t kReadBytes = 256 * 1024;

std::uint32_t checksum(std::string_view bytes) {
  return crc32c(std::as_bytes(std::span(bytes)));
}

}  // namespace

void append_frame(std::string& out, std::string_view payload) {
  assert(payload.size() <= kFrameMax);
  const std::size_t start = out.size();
  wire::append_le(out, static_cast<std::uint32_t>(payload.size()));
  wire::append_le(out, checksum(payload));
  wire::append_le(out, checksum(std::string_view(out).substr(start)));
  out += payload;
}

bool FrameReader::have(std::size_t bytes) {
  if (ahead().size() >= bytes) return true;
  buffer_.erase(0, at_);
  at_ = 0;
  while (buffer_.size() < bytes) {
    const std::size_t size = buffer_.size();
    buffer_.resize(size + kReadBytes);
    const ssize_t got = ::read(fd_, buffer_.data() + size, kReadBytes);
    buffer_.resize(size + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) unreadable_ = true;
    if (got <= 0) return false;
  }
  return true;
}

FrameReader::State FrameReader::bad(std::size_t bytes) {
  at_ += bytes;
  for (;;) {
    if (ahead().find_first_not_of('\0') != std::string_view::npos) return State::corrupt;
    at_ = buffer_.size();
    if (!have(1)) return unreadable_ ? State::unreadable : State::torn;
  }
}

FrameReader::State FrameReader::next(std::string_view& payload) {
  if (!have(kFrameHeader)) {
    if (unreadable_) return State::unreadable;
    return ahead().empty() ? State::end : State::torn;
  }
  const char* header = ahead().data();
  const auto length = wire::get_le<std::uint32_t>(header);
  const auto crc = wire::get_le<std::uint32_t>(header + 4);
  if (wire::get_le<std::uint32_t>(header + 8) != checksum(ahead().substr(0, 8))) return bad(kFrameHeader);
  if (length > kFrameMax) return State::corrupt;
  if (!have(kFrameHeader + length)) return unreadable_ ? State::unreadable : State::torn;
  payload = ahead().substr(kFrameHeader, length);
  if (checksum(payload) != crc) return bad(kFrameHeader + length);
  at_ += kFrameHeader + length;
  offset_ += kFrameHeader + length;
  return State::frame;
}

}  // namespace parley::plugin
