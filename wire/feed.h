#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

// A feed batch ($parley/feed): a header and a run of journal records.
//
// Layout, little-endian: "PFB1", u32 count, u64 generation, u64 from, u64 to, then the records (wire/record.h) of journal offsets [from, to).
// Offsets count bytes since the journal began. `to` may be beyond from + size of the records when a segment ended there.
namespace parley::wire {

struct FeedBatch {
  std::uint64_t generation = 0;
  std::uint64_t from = 0, to = 0;
  std::uint32_t count = 0;
  std::string_view records;
};

inline constexpr std::size_t kFeedHeader = 32;
void append_feed_batch(std::string& out, const FeedBatch& batch);
Result<FeedBatch> parse_feed_batch(std::string_view payload);  // invalid_argument when it is not one; records are not checked here

}  // namespace parley::wire
