#include "plugin/directory/sharded_table.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace parley::plugin {
namespace {

// All slots fall into one shard, and many to one place in it, so that probing and deleting are put to the
// test.
std::uint64_t crowded_hash(std::uint64_t slot) {
  return (slot % 7) << 32;
}
struct CrowdedHome {
  std::uint32_t operator()(std::uint64_t slot) const {
    return static_cast<std::uint32_t>(crowded_hash(slot) >> 32);
  }
};
using Crowded = ShardedTable<CrowdedHome>;

bool has(const Crowded& table, std::uint64_t slot) {
  return table.find(crowded_hash(slot), [&](std::uint64_t s) { return s == slot; }) == slot;
}

TEST(ShardedTable, a_crowded_shard_agrees_with_a_set_under_random_changes) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  Crowded table;
  std::set<std::uint64_t> model;
  for (int round = 0; round < 20'000; ++round) {
    const std::uint64_t slot = 1 + random() % 200;
    if (model.contains(slot)) {
      EXPECT_TRUE(table.erase(crowded_hash(slot), [&](std::uint64_t s) { return s == slot; }));
      model.erase(slot);
    } else {
      table.insert(crowded_hash(slot), slot);
      model.insert(slot);
    }
    const std::uint64_t other = 1 + random() % 200;
    ASSERT_EQ(has(table, other), model.contains(other)) << round;
  }
  std::set<std::uint64_t> visited;
  table.for_each([&](std::uint64_t slot) { EXPECT_TRUE(visited.insert(slot).second); });
  EXPECT_EQ(visited, model);
}

TEST(ShardedTable, what_is_stale_is_left_behind_before_a_shard_grows) {
  Crowded table;
  const auto is_stale = [](std::uint64_t slot) { return slot % 2 == 0; };
  std::size_t bytes = 0;
  for (std::uint64_t slot = 1; slot <= 10'000; ++slot) {
    table.insert(crowded_hash(slot), slot, is_stale);
    if (slot % 2 == 1 && slot > 20) {
      table.erase(crowded_hash(slot), [&](std::uint64_t s) { return s == slot; });
    }
    if (slot == 1'000) bytes = table.memory_bytes();
  }
  EXPECT_EQ(table.memory_bytes(), bytes);
  for (std::uint64_t slot = 1; slot <= 20; slot += 2) EXPECT_TRUE(has(table, slot));
}

TEST(ShardedTable, an_empty_one_finds_and_erases_nothing) {
  Crowded table;
  EXPECT_FALSE(has(table, 1));
  EXPECT_FALSE(table.erase(0, [](std::uint64_t) { return true; }));
  EXPECT_FALSE(table.replace(0, 1, [](std::uint64_t) { return true; }));
}

}  // namespace
}  // namespace parley::plugin
