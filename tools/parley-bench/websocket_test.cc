#include "tools/parley-bench/websocket.h"

#include <gtest/gtest.h>

namespace parley::bench {
namespace {

using namespace std::string_literals;

// A frame as a server sends it: without mask.
std::string server_frame(std::string_view payload, char first = '\x82') {
  std::string frame(1, first);
  if (payload.size() < 126) {
    frame.push_back(static_cast<char>(payload.size()));
  } else if (payload.size() <= 0xffff) {
    frame += {'\x7e', static_cast<char>(payload.size() >> 8), static_cast<char>(payload.size())};
  } else {
    frame += "\x7f\0\0\0\0"s;
    for (int shift = 24; shift >= 0; shift -= 8) frame.push_back(static_cast<char>(payload.size() >> shift));
  }
  return frame.append(payload);
}

TEST(Websocket, a_clients_frame_is_masked_with_zero) {
  std::string out;
  append_frame(out, "hi");
  EXPECT_EQ(out, "\x82\x82\0\0\0\0hi"s);
  out.clear();
  append_frame(out, std::string(300, 'x'));
  EXPECT_EQ(out.substr(0, 8), "\x82\xfe\x01\x2c\0\0\0\0"s);
  out.clear();
  append_frame(out, std::string(70'000, 'x'));
  EXPECT_EQ(out.substr(0, 14), "\x82\xff\0\0\0\0\0\x01\x11\x70\0\0\0\0"s);
}

TEST(Websocket, frames_come_out_as_the_bytes_they_carry_however_they_are_cut) {
  const std::string first(10, 'a'), second(300, 'b'), third(70'000, 'c');
  const auto bytes = server_frame(first) + server_frame("ping", '\x89') + server_frame("") +
                     server_frame(second) + server_frame(third);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, bytes.size()}) {
    FrameReader reader;
    std::string out;
    for (std::size_t at = 0; at < bytes.size(); at += piece)
      ASSERT_TRUE(reader.read(std::string_view(bytes).substr(at, piece), out));
    EXPECT_EQ(out, first + second + third) << piece;
  }
}

TEST(Websocket, close_and_masked_frames_end_it) {
  std::string out;
  EXPECT_FALSE(FrameReader().read("\x88\0"s, out));
  EXPECT_FALSE(FrameReader().read("\x82\x81\0\0\0\0x"s, out));
}

TEST(Websocket, the_answer_to_the_request_is_taken_off) {
  auto take = [](std::string_view bytes) {
    const auto upgrade = take_upgrade(bytes);
    return std::pair(upgrade, std::string(bytes));
  };
  EXPECT_EQ(take("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n").first, Upgrade::incomplete);
  EXPECT_EQ(take("HTTP/1.1 101 Switching Protocols\r\n\r\nrest"), std::pair(Upgrade::done, "rest"s));
  EXPECT_EQ(take("HTTP/1.1 403 Forbidden\r\n\r\n").first, Upgrade::refused);
}

}  // namespace
}  // namespace parley::bench
