#include "plugin/directory/frames.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vector>

#include "base/file.h"

namespace parley::plugin {
namespace {

using State = FrameReader::State;

struct Read {
  std::vector<std::string> payloads;
  State end;
  std::uint64_t offset;
};

Read read_all(std::string_view bytes) {
  const Fd fd(::memfd_create("frames", MFD_CLOEXEC));
  EXPECT_TRUE(append_all(fd, bytes));
  ::lseek(fd.get(), 0, SEEK_SET);
  FrameReader reader(fd.get());
  Read read;
  std::string_view payload;
  while ((read.end = reader.next(payload)) == State::frame) read.payloads.emplace_back(payload);
  read.offset = reader.offset();
  return read;
}

std::string three_frames() {
  std::string bytes;
  append_frame(bytes, "one");
  append_frame(bytes, "");
  append_frame(bytes, std::string(700'000, 'x'));  // more than is read at once
  return bytes;
}

TEST(Frames, come_back_as_they_were_written) {
  const std::string bytes = three_frames();
  const Read read = read_all(bytes);
  EXPECT_EQ(read.end, State::end);
  EXPECT_EQ(read.offset, bytes.size());
  EXPECT_EQ(read.payloads, (std::vector<std::string>{"one", "", std::string(700'000, 'x')}));
  EXPECT_EQ(read_all("").end, State::end);
}

TEST(Frames, cut_anywhere_end_clean_or_torn_at_the_last_whole_one) {
  std::string bytes;
  for (const char* payload : {"one", "two", "three"}) append_frame(bytes, payload);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const Read read = read_all(std::string_view(bytes).substr(0, size));
    EXPECT_EQ(read.end, read.offset == size ? State::end : State::torn) << size;
    EXPECT_LE(read.offset, size);
    EXPECT_EQ(read.payloads.size(), size < 15 ? 0u : size < 30 ? 1u : 2u) << size;
  }
}

TEST(Frames, a_tail_of_zeros_is_torn_as_a_power_cut_leaves_it) {
  std::string bytes;
  append_frame(bytes, "one");
  const std::size_t whole = bytes.size();
  append_frame(bytes, "two");
  for (std::size_t written = whole; written < bytes.size(); ++written) {
    std::string cut = bytes.substr(0, written) + std::string(5'000, '\0');
    const Read read = read_all(cut);
    EXPECT_EQ(read.end, State::torn) << written;
    EXPECT_EQ(read.offset, whole);
  }
}

TEST(Frames, damage_before_the_last_frame_is_corrupt_wherever_it_is) {
  std::string bytes;
  append_frame(bytes, "one");
  const std::size_t first = bytes.size();
  append_frame(bytes, "two");
  for (std::size_t i = 0; i < first; ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      const Read read = read_all(damaged);
      EXPECT_EQ(read.end, State::corrupt) << i << ' ' << bit;
      EXPECT_TRUE(read.payloads.empty());
    }
  }
}

TEST(Frames, what_can_not_be_read_says_so) {
  FrameReader reader(-1);
  std::string_view payload;
  EXPECT_EQ(reader.next(payload), State::unreadable);
}

}  // namespace
}  // namespace parley::plugin
