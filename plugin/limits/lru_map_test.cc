#include "plugin/limits/lru_map.h"

#include <gtest/gtest.h>

namespace parley::plugin {
namespace {

TEST(LruMap, the_one_not_used_for_longest_goes) {
  LruMap<std::string, int> map(2);
  map.insert("a", 1);
  map.insert("b", 2);
  ASSERT_NE(map.find(std::string_view("a")), nullptr);
  map.insert("c", 3);
  EXPECT_EQ(map.find(std::string_view("b")), nullptr);
  EXPECT_EQ(*map.find(std::string_view("a")), 1);
  EXPECT_EQ(*map.find(std::string_view("c")), 3);
  EXPECT_EQ(map.size(), 2U);
}

TEST(LruMap, erased_entries_make_room) {
  LruMap<int, int> map(2);
  map.insert(1, 1);
  map.insert(2, 2);
  map.erase(1);
  map.erase(7);
  map.insert(3, 3);
  EXPECT_EQ(*map.find(2), 2);
  EXPECT_EQ(*map.find(3), 3);
}

}  // namespace
}  // namespace parley::plugin
