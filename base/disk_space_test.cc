#include "base/disk_space.h"

#include <gtest/gtest.h>

namespace parley {
namespace {

TEST(DiskSpace, of_a_folder_that_is_there_and_of_none) {
  const auto space = disk_space(testing::TempDir());
  ASSERT_TRUE(space);
  EXPECT_GT(space->bytes, 0u);
  EXPECT_LE(space->bytes_free, space->bytes);
  EXPECT_LE(space->inodes_free, space->inodes);
  EXPECT_FALSE(disk_space("/nowhere/at/all"));
}

}  // namespace
}  // namespace parley
