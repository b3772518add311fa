#include "backend/feed/feed_consumer.h"

#include <algorithm>
#include <map>

#include "wire/feed.h"

namespace parley::backend {
namespace {

constexpr std::uint32_t kCorruptAlarm = 3;  // times the same place came broken before it is taken for lasting

}  // namespace

FeedConsumer::Meters::Meters(Metrics& m)
    : batches(m.counter("parley_feed_batches_total", "Feed batches stored.")),
      stored(m.counter("parley_messages_stored_total", "Messages stored.")),
      repeated(
          m.counter("parley_messages_repeated_total", "Messages that came again and were stored already.")),
      dropped(m.counter("parley_messages_dropped_total", "Messages of rooms deleted meanwhile.")),
      quarantined(
          m.counter("parley_messages_quarantined_total",
                    "Messages kept aside: another one stands under their number. A person must look.")),
      queue_full(m.counter("parley_feed_queue_full_total",
                           "Batches dropped because too many waited; they come again.")),
      holes(m.counter("parley_feed_holes_total",
                      "Batches dropped because one before them is missing; they come again.")),
      corrupt(m.counter("parley_feed_corrupt_total", "Batches dropped because a record in them is broken.")),
      failures(
          m.counter("parley_store_failures_total", "Transactions that did not work; they are tried again.")),
      queue(m.gauge("parley_feed_queue_batches", "Batches waiting to be stored.")),
      position(m.gauge("parley_feed_position_bytes", "Journal offset before which everything is stored.")),
      corrupt_alarm(m.gauge("parley_feed_corrupt",
                            "1 while the feed stands still at a broken record. A person must look.")),
      age_seconds(
          m.gauge("parley_feed_age_seconds", "Age of the newest message stored last, when it was stored.")) {}

FeedConsumer::FeedConsumer(MessageStore& store, RoomEvents& events, FeedAcks& acks, Metrics& metrics,
                           const Clock& clock, LogSink log, FeedOptions options)
    : store_(store),
      events_(events),
      acks_(acks),
      clock_(clock),
      log_(std::move(log)),
      options_(std::move(options)),
      meters_(metrics),
      thread_([this] { run(); }) {}

FeedConsumer::~FeedConsumer() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void FeedConsumer::begin(std::uint64_t generation, std::uint64_t position) {
  std::lock_guard lock(mutex_);
  queue_.clear();
  generation_ = generation;
  position_ = position;
  taking_ = true;
  meters_.position.set(static_cast<double>(position));
  changed_.notify_all();
}

void FeedConsumer::end() {
  std::lock_guard lock(mutex_);
  taking_ = false;
  changed_.notify_all();
}

void FeedConsumer::offer(std::string payload) {
  const auto batch = wire::parse_feed_batch(payload);
  if (!batch) {
    meters_.corrupt.add();
    return log_(LogLevel::error, "a feed message was no batch: " + batch.error().message);
  }
  std::lock_guard lock(mutex_);
  if (!taking_ || batch->generation != generation_) return;
  // The plugin repeats what is not acknowledged in time: no need to hold it twice.
  const bool waits = !queue_.empty() && batch->from >= queue_.front().from && batch->to <= queue_.back().to;
  if (waits) return;
  if (queue_.size() >= options_.queue_batches) return meters_.queue_full.add();
  queue_.push_back({std::move(payload), batch->from, batch->to});
  meters_.queue.set(static_cast<double>(queue_.size()));
  changed_.notify_all();
}

bool FeedConsumer::drain(std::chrono::milliseconds deadline) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, deadline, [&] { return queue_.empty() && !busy_; });
}

QueueReading FeedConsumer::queue() {
  std::lock_guard lock(mutex_);
  return {"feed", queue_.size(), options_.queue_batches};
}

// Waits for batches and takes those that follow each other, as many as one transaction may have. nullopt:
// stop.
std::optional<FeedConsumer::Job> FeedConsumer::next_job() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
  if (stopping_) return std::nullopt;
  Job job{generation_, position_, {}};
  auto end = position_;
  while (!queue_.empty() && job.batches.size() < options_.merge_batches) {
    if (queue_.front().from > end) {
      if (!job.batches.empty()) break;  // first store what is before the hole
      meters_.holes.add();
    } else {
      end = std::max(end, queue_.front().to);
      job.batches.push_back(std::move(queue_.front()));
    }
    queue_.pop_front();
  }
  meters_.queue.set(static_cast<double>(queue_.size()));
  busy_ = true;
  return job;
}

void FeedConsumer::finish_job(const Job& job) {
  std::lock_guard lock(mutex_);
  busy_ = false;
  if (job.generation == generation_) position_ = job.position;
  changed_.notify_all();
}

void FeedConsumer::run() {
  while (auto job = next_job()) {
    if (const auto merged = merge(*job); merged.batches > 0) store_retrying(merged, *job);
    finish_job(*job);
  }
}

// As many whole batches as are sound. One that is stored already is only acknowledged again.
FeedConsumer::Merged FeedConsumer::merge(const Job& job) {
  Merged merged{.from = job.position, .to = job.position, .batches = 0, .records = {}};
  bool repeat = false;
  for (const auto& batch : job.batches) {
    if (batch.to <= merged.to) {
      repeat = true;
      continue;
    }
    if (auto added = add(batch, merged); !added) {
      note_corrupt(batch.from, added.error().message);
      break;
    }
  }
  if (repeat && merged.batches == 0) acks_.acknowledge_feed(job.generation, job.position);
  return merged;
}

Result<> FeedConsumer::add(const Waiting& waiting, Merged& merged) {
  const auto batch = wire::parse_feed_batch(waiting.payload);
  if (!batch) return std::unexpected(batch.error());
  const auto before = merged.records.size();
  auto bytes = batch->records;
  for (std::uint32_t i = 0; i < batch->count; ++i) {
    std::size_t size = 0;
    auto record = wire::read_record(bytes, size);
    if (!record) {
      merged.records.resize(before);
      return std::unexpected(record.error());
    }
    merged.records.push_back(*record);
    bytes.remove_prefix(size);
  }
  merged.from = std::min(merged.from, waiting.from);
  merged.to = waiting.to;
  ++merged.batches;
  return {};
}

// Until it is stored, or this generation is over. Moves the job's position.
void FeedConsumer::store_retrying(const Merged& merged, Job& job) {
  for (Backoff backoff(options_.retry);;) {
    const auto outcome = store(merged, job);
    if (outcome) {
      store_works_ = true;
      job.position = merged.to;
      tell_stored(merged, *outcome, job);
      return;
    }
    const auto& error = outcome.error();
    if (error.code == Errc::permission_denied || error.code == Errc::invalid_argument)
      return acks_.give_up(job.generation, error.message);
    if (store_works_.exchange(false))
      log_(LogLevel::error, "messages can't be stored, trying again: " + error.message);
    meters_.failures.add();
    if (!pause(backoff.next(), job.generation)) return;
  }
}

Result<StoreOutcome> FeedConsumer::store(const Merged& merged, const Job& job) {
  if (options_.before_store)
    if (auto ready = options_.before_store(merged.records); !ready) return std::unexpected(ready.error());
  return store_.store(job.generation, merged.from, merged.to, merged.records);
}

void FeedConsumer::tell_stored(const Merged& merged, const StoreOutcome& outcome, const Job& job) {
  acks_.acknowledge_feed(job.generation, merged.to);
  meters_.batches.add(merged.batches);
  meters_.stored.add(outcome.stored);
  meters_.repeated.add(outcome.repeated);
  meters_.dropped.add(outcome.dropped);
  meters_.quarantined.add(outcome.quarantined);
  meters_.position.set(static_cast<double>(merged.to));
  if (merged.to > corrupt_at_) {
    meters_.corrupt_alarm.set(0);
    corrupt_times_ = 0;
  }
  if (outcome.quarantined > 0)
    log_(LogLevel::error,
         std::to_string(outcome.quarantined) +
             " messages were kept aside: other messages stand under their numbers. See `quarantined` rooms.");
  std::map<std::uint64_t, std::uint64_t> last_seqs;
  for (const auto& record : merged.records) {
    auto& last = last_seqs[record.room_id];
    last = std::max(last, record.seq);
  }
  for (const auto& [room, seq] : last_seqs) events_.messages_stored(room, seq);
  if (options_.after_store) options_.after_store(merged.records, outcome);
  if (!merged.records.empty())
    meters_.age_seconds.set(static_cast<double>(to_ms(clock_.wall()) - merged.records.back().at_ms) / 1000);
}

// Waits; false when it is no use to try again.
bool FeedConsumer::pause(std::chrono::milliseconds how_long, std::uint64_t generation) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, how_long, [&] { return stopping_ || generation != generation_; });
}

// Nothing from here on is acknowledged: the plugin sends it again, in case it broke on the way.
void FeedConsumer::note_corrupt(std::uint64_t at, const std::string& why) {
  meters_.corrupt.add();
  corrupt_times_ = at == corrupt_at_ ? corrupt_times_ + 1 : 1;
  corrupt_at_ = at;
  const auto place = "the feed batch at journal offset " + std::to_string(at) + " is broken: " + why;
  if (corrupt_times_ < kCorruptAlarm)
    return log_(LogLevel::warning, place + "; waiting for it to come again");
  meters_.corrupt_alarm.set(1);
  if (corrupt_times_ == kCorruptAlarm)
    log_(LogLevel::error,
         place + ", time and again: nothing after it is stored until a person mends the journal");
}

}  // namespace parley::backend
