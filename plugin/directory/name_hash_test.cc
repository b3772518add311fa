#include "plugin/directory/name_hash.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>

#include "base/encoding.h"

namespace parley::plugin {
namespace {

constexpr HashKey kKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};

TEST(NameHash, a_name_hashes_as_its_folded_bytes_whatever_they_are) {
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes(random() % 40, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    EXPECT_EQ(hash_name(kKey, bytes), hash_bytes(kKey, fold_case(bytes))) << hex_encode(bytes);
  }
}

TEST(NameHash, folded_comparison_agrees_with_fold_case_on_every_byte) {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const std::string x = "12345678901" + std::string(1, static_cast<char>(a));
      const std::string y = "12345678901" + std::string(1, static_cast<char>(b));
      EXPECT_EQ(equal_folded(x, y), fold_case(x) == fold_case(y)) << a << ' ' << b;
    }
  }
  EXPECT_FALSE(equal_folded("alice", "alic"));
  EXPECT_TRUE(equal_folded("", {}));
}

TEST(NameHash, another_key_gives_other_hashes) {
  EXPECT_NE(hash_name(kKey, "alice"), hash_name({1, 2}, "alice"));
  EXPECT_NE(hash_name(HashKey::random(), "alice"), hash_name(HashKey::random(), "alice"));
}

TEST(NameHash, short_names_do_not_collide) {
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 100'000; ++i) seen.insert(hash_name(kKey, "u" + std::to_string(i)));
  EXPECT_EQ(seen.size(), 100'000u);
}

}  // namespace
}  // namespace parley::plugin
