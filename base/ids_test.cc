#include "base/ids.h"

#include <gtest/gtest.h>

#include <set>

namespace parley {
namespace {

using std::chrono::milliseconds;

Ulid filled(unsigned char byte) {
  Ulid id;
  id.fill(byte);
  return id;
}

std::int64_t time_of(const Ulid& id) {
  std::int64_t ms = 0;
  for (int i = 0; i < 6; ++i) ms = ms << 8 | id[static_cast<std::size_t>(i)];
  return ms;
}

TEST(Ulid, is_written_in_26_characters_and_comes_back) {
  EXPECT_EQ(format_ulid(filled(0)), "00000000000000000000000000");
  EXPECT_EQ(format_ulid(filled(0xff)), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
  // The specification's own example: 1469918176385 ms is 01ARYZ6S41.
  Ulid id = filled(0);
  const std::int64_t ms = 1'469'918'176'385;
  for (std::size_t i = 0; i < 6; ++i) id[i] = static_cast<unsigned char>(ms >> (40 - 8 * i));
  EXPECT_EQ(format_ulid(id), "01ARYZ6S410000000000000000");
  EXPECT_EQ(parse_ulid("01ARYZ6S410000000000000000"), id);
  UlidGenerator ids;
  for (int i = 0; i < 100; ++i) {
    const Ulid next = ids.next(from_ms(ms + i));
    EXPECT_EQ(parse_ulid(format_ulid(next)), next);
  }
}

TEST(Ulid, is_read_in_both_cases) {
  EXPECT_EQ(parse_ulid("01aryz6s41tsv4rrffq69g5fav"), parse_ulid("01ARYZ6S41TSV4RRFFQ69G5FAV"));
  EXPECT_TRUE(parse_ulid("01ARYZ6S41TSV4RRFFQ69G5FAV"));
}

TEST(Ulid, text_that_is_none_is_refused) {
  EXPECT_FALSE(parse_ulid(""));
  EXPECT_FALSE(parse_ulid("01ARYZ6S41TSV4RRFFQ69G5FA"));
  EXPECT_FALSE(parse_ulid("01ARYZ6S41TSV4RRFFQ69G5FAVX"));
  EXPECT_FALSE(parse_ulid("80000000000000000000000000"));  // 129 bits
  EXPECT_FALSE(parse_ulid("Z0000000000000000000000000"));
  for (const char c : {'I', 'L', 'O', 'U', 'i', 'l', 'o', 'u', '-', ' ', '\xc3', '\0'}) {
    std::string text = "01ARYZ6S41TSV4RRFFQ69G5FAV";
    text[12] = c;
    EXPECT_FALSE(parse_ulid(text)) << c;
  }
}

TEST(UlidGenerator, tells_the_time_and_goes_up_with_it) {
  UlidGenerator ids;
  FakeClock clock;
  Ulid last = ids.next(clock.wall());
  for (int i = 0; i < 1000; ++i) {
    clock.advance(milliseconds(1));
    const Ulid next = ids.next(clock.wall());
    EXPECT_EQ(time_of(next), to_ms(clock.wall()));
    EXPECT_LT(last, next);
    EXPECT_LT(format_ulid(last), format_ulid(next));
    last = next;
  }
}

TEST(UlidGenerator, counts_up_within_a_millisecond) {
  UlidGenerator ids;
  const FakeClock clock;
  Ulid last = ids.next(clock.wall());
  for (int i = 0; i < 1000; ++i) {
    const Ulid next = ids.next(clock.wall());
    EXPECT_LT(last, next);
    last = next;
  }
  EXPECT_EQ(time_of(last), to_ms(clock.wall()));
}

TEST(UlidGenerator, goes_on_upwards_when_the_clock_steps_back) {
  UlidGenerator ids;
  FakeClock clock;
  const WallTime start = clock.wall();
  Ulid last = ids.next(start);
  clock.step_wall(-std::chrono::hours(24));
  for (int i = 0; i < 100; ++i) {
    clock.advance(milliseconds(1));
    const Ulid next = ids.next(clock.wall());
    EXPECT_LT(last, next);
    EXPECT_EQ(time_of(next), to_ms(start));
    last = next;
  }
  EXPECT_EQ(time_of(ids.next(start + milliseconds(1))), to_ms(start) + 1);
}

TEST(UlidGenerator, takes_times_outside_48_bits) {
  UlidGenerator ids;
  EXPECT_EQ(time_of(ids.next(from_ms(-5))), 0);
  const Ulid last = ids.next(from_ms(std::int64_t{1} << 50));
  EXPECT_EQ(time_of(last), (std::int64_t{1} << 48) - 1);
}

TEST(UlidGenerator, two_of_them_do_not_meet) {
  UlidGenerator one, two;
  FakeClock clock;
  std::set<Ulid> seen;
  for (int i = 0; i < 500; ++i) {
    clock.advance(milliseconds(1));
    seen.insert(one.next(clock.wall()));
    seen.insert(two.next(clock.wall()));
  }
  EXPECT_EQ(seen.size(), 1000U);
}

TEST(RandomId, has_the_length_and_alphabet_it_says) {
  EXPECT_EQ(random_id(0), "");
  const std::string id = random_id(5000);
  EXPECT_EQ(id.size(), 5000U);
  EXPECT_EQ(id.find_first_not_of("abcdefghijklmnopqrstuvwxyz234567"), std::string::npos);
  EXPECT_EQ(std::set<char>(id.begin(), id.end()).size(), 32U);
  EXPECT_NE(random_id(8), random_id(8));
}

}  // namespace
}  // namespace parley
