#include "tools/parley-bench/record_source.h"

#include "base/clock.h"
#include "tools/parley-bench/contender.h"
#include "wire/feed.h"
#include "wire/limits.h"

namespace parley::bench {

Said said_of_size(std::size_t content_bytes) {
  constexpr std::string_view kBegin = R"({"text":")", kEnd = R"("})";
  std::string content(kBegin);
  content.append(content_bytes - std::min(content_bytes, kBegin.size() + kEnd.size()), 'x').append(kEnd);
  return {.contents = {std::move(content)}, .senders = 1};
}

RecordSource::RecordSource(std::vector<Room> rooms, Said said)
    : rooms_(std::move(rooms)), said_(std::move(said)), seqs_(rooms_.size(), 0) {
  envelope_.epoch = "k3x97q2m";
  envelope_.role = "member";
  envelope_.type = "text";
}

void RecordSource::append(std::string& out) {
  const auto i = count_ % rooms_.size();
  const auto now = SystemClock().wall();
  envelope_.seq = ++seqs_[i];
  envelope_.id = ids_.next(now);
  envelope_.room = rooms_[i].name;
  envelope_.at = to_ms(now);
  envelope_.from = user_name(count_ / rooms_.size() % said_.senders);
  envelope_.device = envelope_.from + "-bench";
  envelope_.content = said_.contents[count_ % said_.contents.size()];
  ++count_;
  json_.clear();
  wire::append_envelope(json_, envelope_);
  const wire::Record record{.room_id = rooms_[i].id,
                            .seq = envelope_.seq,
                            .at_ms = envelope_.at,
                            .id = envelope_.id,
                            .room = envelope_.room,
                            .from = envelope_.from,
                            .type = envelope_.type,
                            .envelope = json_};
  const auto size = wire::record_size(record);
  const auto at = out.size();
  out.resize(at + size);
  wire::write_record(record, out.data() + at);
}

Batches make_batches(RecordSource& source, std::size_t count, std::uint64_t generation, std::uint64_t from) {
  Batches batches{.payloads = {}, .end = from};
  std::string records;
  std::string next;
  std::uint32_t held = 0;
  auto finish = [&] {
    if (held == 0) return;
    std::string payload;
    const auto to = batches.end + records.size();
    wire::append_feed_batch(
        payload,
        {.generation = generation, .from = batches.end, .to = to, .count = held, .records = records});
    batches.payloads.push_back(std::move(payload));
    batches.end = to;
    records.clear();
    held = 0;
  };
  for (std::size_t i = 0; i < count; ++i) {
    next.clear();
    source.append(next);
    if (wire::kFeedHeader + records.size() + next.size() > wire::kFeedBatchMax) finish();
    records += next;
    ++held;
  }
  finish();
  return batches;
}

std::vector<wire::Record> records_of(const std::string& payload) {
  std::vector<wire::Record> records;
  const auto batch = wire::parse_feed_batch(payload);
  if (!batch) return records;
  for (auto rest = batch->records; !rest.empty();) {
    std::size_t size = 0;
    auto record = wire::read_record(rest, size);
    if (!record) break;
    records.push_back(*record);
    rest.remove_prefix(size);
  }
  return records;
}

}  // namespace parley::bench
