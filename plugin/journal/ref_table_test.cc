#include "plugin/journal/ref_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "plugin/journal/journal_testing.h"

namespace parley::plugin {
namespace {

using std::chrono::milliseconds;
using testing::ref_of;

WallTime at(std::int64_t ms) {
  return from_ms(ms);
}

TEST(RefTable, a_ref_is_found_within_its_window_and_not_at_its_end) {
  RefTable refs(milliseconds(100), 10);
  refs.insert(ref_of(1), 17, 1000);
  EXPECT_EQ(refs.find(ref_of(1), at(1000)), 17u);
  EXPECT_EQ(refs.find(ref_of(1), at(1099)), 17u);
  EXPECT_EQ(refs.find(ref_of(1), at(1100)), std::nullopt);
  EXPECT_EQ(refs.find(ref_of(2), at(1000)), std::nullopt);
}

TEST(RefTable, a_ref_used_again_after_its_window_has_the_new_number) {
  RefTable refs(milliseconds(100), 10);
  refs.insert(ref_of(1), 17, 1000);
  refs.insert(ref_of(1), 99, 1100);
  EXPECT_EQ(refs.find(ref_of(1), at(1100)), 99u);
  EXPECT_EQ(refs.size(), 1u);
  EXPECT_EQ(refs.evicted(), 0u);
}

TEST(RefTable, a_clock_set_back_neither_ends_nor_revives_a_ref) {
  RefTable refs(milliseconds(100), 10);
  refs.insert(ref_of(1), 1, 1000);
  refs.insert(ref_of(2), 2, 2000);
  EXPECT_EQ(refs.find(ref_of(1), at(500)), std::nullopt) << "it had expired";
  refs.insert(ref_of(3), 3, 500);
  EXPECT_EQ(refs.find(ref_of(3), at(500)), 3u);
  EXPECT_EQ(refs.find(ref_of(3), at(2099)), 3u) << "it lives at least as long as its window";
  EXPECT_EQ(refs.find(ref_of(3), at(2100)), std::nullopt);
}

TEST(RefTable, times_that_make_no_sense_do_no_harm) {
  RefTable refs(milliseconds(100), 10);
  refs.insert(ref_of(1), 1, INT64_MIN);
  EXPECT_EQ(refs.find(ref_of(1), at(INT64_MIN)), 1u);
  refs.insert(ref_of(2), 2, INT64_MAX);
  EXPECT_EQ(refs.find(ref_of(2), at(INT64_MAX)), 2u);
  EXPECT_EQ(refs.find(ref_of(1), at(0)), std::nullopt);
}

TEST(RefTable, at_its_limit_the_oldest_goes_and_is_counted) {
  RefTable refs(milliseconds(1000), 3);
  for (std::uint64_t n = 1; n <= 5; ++n) refs.insert(ref_of(n), n, 10);
  EXPECT_EQ(refs.size(), 3u);
  EXPECT_EQ(refs.evicted(), 2u);
  EXPECT_EQ(refs.find(ref_of(2), at(10)), std::nullopt);
  EXPECT_EQ(refs.find(ref_of(3), at(10)), 3u);
}

// Against a map that remembers everything, with repeats, a clock that steps, and many more refs than one block.
TEST(RefTable, agrees_with_a_plain_map) {
  const std::uint64_t seed = testing::random_seed();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  RefTable refs(milliseconds(5000), 1'000'000);
  struct Use {
    std::uint64_t seq;
    std::int64_t at;
  };
  std::map<std::uint64_t, Use> model;
  std::int64_t clock = 0, now = 100'000;
  for (std::uint64_t seq = 1; seq <= 60'000; ++seq) {
    now += random() % 2000 == 0 ? -3000 : static_cast<std::int64_t>(random() % 3);
    const std::uint64_t n = 1 + random() % 8000;
    const auto used = model.find(n);
    const bool lives = used != model.end() && std::max(clock, now) - used->second.at < 5000;
    const std::optional<std::uint64_t> found = refs.find(ref_of(n), at(now));
    ASSERT_EQ(found.has_value(), lives) << "step " << seq;
    if (lives) {
      ASSERT_EQ(*found, used->second.seq) << "step " << seq;
    } else {
      clock = std::max(clock, now);
      model[n] = {seq, clock};
      refs.insert(ref_of(n), seq, now);
    }
  }
  EXPECT_LT(refs.size(), 8001u);
}

}  // namespace
}  // namespace parley::plugin
