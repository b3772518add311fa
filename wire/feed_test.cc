#include "wire/feed.h"

#include <gtest/gtest.h>

#include <memory>

#include "base/encoding.h"
#include "wire/record.h"

namespace parley::wire {
namespace {

std::string records(std::uint64_t count) {
  std::string out;
  for (std::uint64_t seq = 1; seq <= count; ++seq) {
    Record r;
    r.seq = seq;
    r.envelope = "{}";
    const std::size_t start = out.size();
    out.resize(start + record_size(r));
    write_record(r, out.data() + start);
  }
  return out;
}

std::string batch_of(const FeedBatch& batch) {
  std::string out;
  append_feed_batch(out, batch);
  return out;
}

Errc refusal_of(const FeedBatch& batch) {
  const Result<FeedBatch> parsed = parse_feed_batch(batch_of(batch));
  return parsed ? Errc::internal : parsed.error().code;
}

TEST(FeedBatch, comes_back_as_it_was_written) {
  const std::string run = records(3);
  const std::string payload =
      batch_of({.generation = 5, .from = 1000, .to = 1000 + run.size(), .count = 3, .records = run});
  const Result<FeedBatch> batch = parse_feed_batch(payload);
  ASSERT_TRUE(batch) << batch.error().message;
  EXPECT_EQ(batch->generation, 5U);
  EXPECT_EQ(batch->from, 1000U);
  EXPECT_EQ(batch->to, 1000U + run.size());
  EXPECT_EQ(batch->count, 3U);
  EXPECT_EQ(batch->records, run);
}

TEST(FeedBatch, has_the_layout_its_header_states) {
  const std::string payload = batch_of({.generation = 2, .from = 3, .to = 4, .count = 0, .records = {}});
  EXPECT_EQ(payload.size(), kFeedHeader);
  EXPECT_EQ(hex_encode(payload),
            "50464231"
            "00000000"
            "0200000000000000"
            "0300000000000000"
            "0400000000000000");
}

TEST(FeedBatch, may_end_beyond_its_records_where_a_segment_ended) {
  const std::string run = records(1);
  EXPECT_TRUE(parse_feed_batch(batch_of({.from = 0, .to = 4096, .count = 1, .records = run})));
  EXPECT_TRUE(parse_feed_batch(batch_of({.from = 96, .to = 4096, .count = 0, .records = {}})));
}

TEST(FeedBatch, whose_numbers_contradict_each_other_is_refused) {
  const std::string run = records(2);
  EXPECT_EQ(refusal_of({.from = 10, .to = 9, .count = 0, .records = {}}), Errc::invalid_argument);
  EXPECT_EQ(refusal_of({.from = 0, .to = run.size() - 1, .count = 2, .records = run}),
            Errc::invalid_argument);
  EXPECT_EQ(refusal_of({.from = 0, .to = run.size(), .count = 3, .records = run}), Errc::invalid_argument);
  EXPECT_EQ(refusal_of({.from = 0, .to = run.size(), .count = 0, .records = run}), Errc::invalid_argument);
  EXPECT_EQ(refusal_of({.from = 0, .to = 0, .count = ~std::uint32_t{0}, .records = {}}),
            Errc::invalid_argument);
}

TEST(FeedBatch, cut_off_anywhere_fails_as_a_batch_or_in_its_last_record) {
  const std::string run = records(2);
  const std::string payload = batch_of({.from = 0, .to = run.size(), .count = 2, .records = run});
  for (std::size_t size = 0; size < payload.size(); ++size) {
    const auto copy = std::make_unique<char[]>(size);
    std::copy_n(payload.begin(), size, copy.get());
    const Result<FeedBatch> batch = parse_feed_batch({copy.get(), size});
    if (!batch) continue;
    ASSERT_GT(size, payload.size() - run.size() / 2) << "a whole record is missing";
    std::size_t first = 0, second = 0;
    ASSERT_TRUE(read_record(batch->records, first));
    EXPECT_EQ(read_record(batch->records.substr(first), second).error().code, Errc::corrupt);
  }
}

TEST(FeedBatch, of_another_version_is_refused) {
  std::string payload = batch_of({.from = 0, .to = 0, .count = 0, .records = {}});
  payload[3] = '2';
  EXPECT_EQ(parse_feed_batch(payload).error().code, Errc::invalid_argument);
}

}  // namespace
}  // namespace parley::wire
