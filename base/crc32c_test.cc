#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <string_view>
#include <vector>

namespace parley {
namespace {

std::uint32_t crc_of(const std::vector<unsigned char>& data, std::uint32_t crc = 0) {
  return crc32c(std::as_bytes(std::span(data)), crc);
}

TEST(Crc32c, gives_the_numbers_of_RFC_3720) {
  std::vector<unsigned char> up(32), down(32);
  std::iota(up.begin(), up.end(), static_cast<unsigned char>(0));
  std::copy(up.rbegin(), up.rend(), down.begin());
  EXPECT_EQ(crc_of(std::vector<unsigned char>(32, 0x00)), 0x8a9136aaU);
  EXPECT_EQ(crc_of(std::vector<unsigned char>(32, 0xff)), 0x62a8ab43U);
  EXPECT_EQ(crc_of(up), 0x46dd794eU);
  EXPECT_EQ(crc_of(down), 0x113fdb5cU);
  const std::vector<unsigned char> read_pdu = {0x01, 0xc0, 0, 0, 0, 0, 0,    0, 0, 0, 0, 0,    0, 0, 0, 0,
                                               0x14, 0,    0, 0, 0, 0, 0x04, 0, 0, 0, 0, 0x14, 0, 0, 0, 0x18,
                                               0x28, 0,    0, 0, 0, 0, 0,    0, 2, 0, 0, 0,    0, 0, 0, 0};
  EXPECT_EQ(crc_of(read_pdu), 0xd9963a56U);
}

TEST(Crc32c, of_nothing_is_what_it_was) {
  EXPECT_EQ(crc32c({}), 0U);
  EXPECT_EQ(crc32c({}, 0x12345678U), 0x12345678U);
}

TEST(Crc32c, continues_from_any_split) {
  const std::string_view text = "123456789, and enough more for several steps of eight";
  const auto bytes = std::as_bytes(std::span(text));
  EXPECT_EQ(crc32c(bytes.first(9)), 0xe3069283U);
  for (std::size_t split = 0; split <= bytes.size(); ++split) {
    EXPECT_EQ(crc32c(bytes.subspan(split), crc32c(bytes.first(split))), crc32c(bytes)) << split;
  }
}

TEST(Crc32c, hardware_and_table_agree_at_every_length_and_alignment) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::vector<unsigned char> data(400);
  for (auto& byte : data) byte = static_cast<unsigned char>(random());
  const auto bytes = std::as_bytes(std::span(data));
  for (std::size_t start = 0; start < 9; ++start) {
    for (std::size_t size = 0; size <= 300; ++size) {
      const auto part = bytes.subspan(start, size);
      const std::uint32_t before = static_cast<std::uint32_t>(random());
      ASSERT_EQ(crc32c(part, before), crc32c_by_table(part, before)) << start << " " << size;
    }
  }
}

}  // namespace
}  // namespace parley
