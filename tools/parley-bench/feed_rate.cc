#include "tools/parley-bench/feed_rate.h"

#include <condition_variable>
#include <mutex>

#include "backend/feed/feed_consumer.h"
#include "backend/metrics/metrics.h"
#include "tools/parley-bench/try.h"
#include "wire/feed.h"

namespace parley::bench {
namespace {

constexpr std::size_t kWindow = 8;  // batches the plugin has under way

class NoEvents final : public backend::RoomEvents {
  void room_changed(std::uint64_t) override {}
  void room_deleted(std::uint64_t, const std::string&) override {}
  void messages_stored(std::uint64_t, std::uint64_t) override {}
};

// Waits for offsets to be acknowledged.
class Acknowledged final : public backend::FeedAcks {
 public:
  void acknowledge_feed(std::uint64_t, std::uint64_t offset) override {
    const std::lock_guard lock(mutex_);
    offset_ = offset;
    changed_.notify_all();
  }
  void give_up(std::uint64_t, const std::string& why) override {
    const std::lock_guard lock(mutex_);
    why_ = why;
    changed_.notify_all();
  }
  Result<> wait_for(std::uint64_t offset) {
    std::unique_lock lock(mutex_);
    const bool in_time =
        changed_.wait_for(lock, std::chrono::seconds(60), [&] { return offset_ >= offset || !why_.empty(); });
    if (!in_time) return fail(Errc::timeout, "The feed consumer stored nothing for a minute.");
    if (!why_.empty()) return fail(Errc::internal, "The feed consumer gave up: " + why_);
    return {};
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t offset_ = 0;
  std::string why_;
};

// The last thing the consumer had to say, from its own thread.
class LastLine {
 public:
  void operator()(LogLevel, std::string_view line) {
    const std::lock_guard lock(mutex_);
    line_ = line;
  }
  std::string line() const {
    const std::lock_guard lock(mutex_);
    return line_;
  }

 private:
  mutable std::mutex mutex_;
  std::string line_;
};

}  // namespace

Result<double> feed_rate(StoreWorld& world, const Feed& feed) {
  backend::Metrics metrics;
  NoEvents events;
  Acknowledged acknowledged;
  LastLine last;
  const auto before = PARLEY_TRY(world.messages().message_count());
  backend::FeedConsumer consumer(world.messages(), events, acknowledged, metrics, world.clock(),
                                 std::ref(last));
  consumer.begin(StoreWorld::kGeneration, feed.from);
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::uint64_t> ends;
  for (const auto& batch : feed.batches.payloads) {
    if (ends.size() >= kWindow) PARLEY_TRY(acknowledged.wait_for(ends[ends.size() - kWindow]));
    ends.push_back(wire::parse_feed_batch(batch)->to);
    consumer.offer(batch);
  }
  PARLEY_TRY(acknowledged.wait_for(feed.batches.end));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const auto stored = PARLEY_TRY(world.messages().message_count()) - before;
  if (stored != feed.records.size())
    return fail(Errc::internal, std::to_string(stored) + " rows were stored. " + last.line());
  return static_cast<double>(stored) / took.count();
}

}  // namespace parley::bench
