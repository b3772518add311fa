#include "backend/cache/cached_entry.h"

#include <gtest/gtest.h>

namespace parley::backend {
namespace {

using namespace std::string_literals;

TEST(CachedEntry, comes_back_as_it_went) {
  const std::string envelope = "{\"seq\":7,\"x\":\"\0\xff\"}"s;
  const auto packed = pack_entry(5, 7, envelope);
  const auto entry = read_entry(5, packed);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->seq, 7u);
  EXPECT_EQ(entry->envelope, envelope);
  EXPECT_EQ(packed.size(), envelope.size() + 12);
}

TEST(CachedEntry, any_changed_bit_shows) {
  auto packed = pack_entry(5, 1ull << 60, "{\"seq\":1}");
  for (std::size_t bit = 0; bit < packed.size() * 8; ++bit) {
    packed[bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_FALSE(read_entry(5, packed)) << bit;
    packed[bit / 8] ^= static_cast<char>(1 << bit % 8);
  }
  EXPECT_TRUE(read_entry(5, packed));
}

TEST(CachedEntry, another_rooms_message_is_none_of_this_one) {
  EXPECT_FALSE(read_entry(6, pack_entry(5, 7, "x")));
}

TEST(CachedEntry, what_is_too_short_is_none) {
  const auto packed = pack_entry(5, 7, "x");
  for (std::size_t size = 0; size < packed.size(); ++size)
    EXPECT_FALSE(read_entry(5, packed.substr(0, size)));
}

}  // namespace
}  // namespace parley::backend
