#include "wire/feed.h"

#include "wire/bytes.h"
#include "wire/record.h"

namespace parley::wire {
namespace {

constexpr std::string_view kMagic = "PFB1";
constexpr std::size_t kRecordMin = 72;  // header and fixed members of a record without any text

}  // namespace

void append_feed_batch(std::string& out, const FeedBatch& batch) {
  out += kMagic;
  append_le(out, batch.count);
  append_le(out, batch.generation);
  append_le(out, batch.from);
  append_le(out, batch.to);
  out += batch.records;
}

Result<FeedBatch> parse_feed_batch(std::string_view payload) {
  if (payload.size() < kFeedHeader || !payload.starts_with(kMagic)) {
    return fail(Errc::invalid_argument, "This is not a feed batch of version 1.");
  }
  FeedBatch batch;
  batch.count = get_le<std::uint32_t>(payload.data() + 4);
  batch.generation = get_le<std::uint64_t>(payload.data() + 8);
  batch.from = get_le<std::uint64_t>(payload.data() + 16);
  batch.to = get_le<std::uint64_t>(payload.data() + 24);
  batch.records = payload.substr(kFeedHeader);
  if (batch.to < batch.from || batch.to - batch.from < batch.records.size()) {
    return fail(Errc::invalid_argument, "The feed batch holds more bytes than its offsets say.");
  }
  if (batch.records.size() / kRecordMin < batch.count || (batch.count == 0 && !batch.records.empty())) {
    return fail(Errc::invalid_argument, "The feed batch can't hold as many records as it says.");
  }
  return batch;
}

}  // namespace parley::wire
