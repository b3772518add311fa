#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace parley::plugin {

// How the Directory's files are written: a file is a run of frames.
//
//   u32 length    of the payload, little-endian
//   u32 crc       CRC-32C of the payload
//   u32 head_crc  CRC-32C of the 8 bytes before: a damaged length is not mistaken for the end of the file
//   payload
inline constexpr std::size_t kFrameHeader = 12;
inline constexpr std::size_t kFrameMax = 4 << 20;  // bytes of a payload

void append_frame(std::string& out, std::string_view payload);

// Reads a file's frames from where `fd` stands, which must be its beginning. Holds one frame in memory. Not
// thread-safe; blocks on the disk.
class FrameReader {
 public:
  enum class State {
    frame,    // `payload` is good until the next call
    end,      // the file ends after the frame before
    torn,     // the last frame is not whole, or its tail was never written (zeros): what a killed broker or a
              // power cut leaves
    corrupt,  // what is here is no frame, but more follows
    unreadable,  // read(2) failed; see errno
  };
  explicit FrameReader(int fd) : fd_(fd) {}
  State next(std::string_view& payload);
  // Bytes of the file that whole frames took so far.
  std::uint64_t offset() const { return offset_; }

 private:
  bool have(
      std::size_t bytes);  // reads on until so many are there; false at the file's end or when unreadable
  std::string_view ahead() const { return std::string_view(buffer_).substr(at_); }
  State bad(std::size_t bytes);  // after these bytes: torn when only zeros follow, else corrupt

  int fd_;
  std::string buffer_;
  std::size_t at_ = 0;
  std::uint64_t offset_ = 0;
  bool unreadable_ = false;
};

}  // namespace parley::plugin
