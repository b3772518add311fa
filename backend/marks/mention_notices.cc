#include "backend/marks/mention_notices.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "wire/entry.h"
#include "wire/topics.h"

namespace parley::backend {

MentionNotices::MentionNotices(MarkStore& marks, Publisher& publisher, Metrics& metrics, LogSink log,
                               MentionOptions options)
    : marks_(marks),
      publisher_(publisher),
      log_(std::move(log)),
      options_(options),
      told_(metrics.counter("parley_mentions_told_total", "Members told of a message that mentions them.")),
      lost_(metrics.counter(
          "parley_mentions_lost_total",
          "Messages or members not told of a mention: too many waited, or something was away.")) {}

MentionNotices::~MentionNotices() {
  stop();
}

void MentionNotices::start() {
  thread_ = std::thread([this] { run(); });
}

void MentionNotices::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

QueueReading MentionNotices::queue() {
  std::lock_guard lock(mutex_);
  return {"mentions", queue_.size(), options_.queue_max};
}

void MentionNotices::run() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
    }
    step();
  }
}

// A batch that was stored before, in whole or in part, has been told of.
void MentionNotices::stored(std::span<const wire::Record> records, const StoreOutcome& outcome) {
  if (outcome.stored != records.size()) return;
  for (const auto& record : records) {
    const Place place{record.room_id, record.seq};
    if (std::ranges::find(outcome.unnamed, place) != outcome.unnamed.end())
      continue;  // an erased user's, or of one
    auto entry = wire::read_entry(record);
    if (entry.mentions.empty() || !entry.countable()) continue;
    std::lock_guard lock(mutex_);
    if (queue_.size() >= options_.queue_max) {
      lost_.add();
      continue;
    }
    queue_.push_back({.room_id = record.room_id,
                      .seq = record.seq,
                      .room = std::string(record.room),
                      .from = std::string(record.from),
                      .keys = std::move(entry.mentions)});
    changed_.notify_all();
  }
}

void MentionNotices::step() {
  std::deque<Mention> some;
  {
    std::lock_guard lock(mutex_);
    some = std::exchange(queue_, {});
  }
  for (const auto& mention : some) tell(mention);
}

void MentionNotices::tell(const Mention& mention) {
  const auto users = marks_.mentioned(mention.room_id, mention.keys, options_.everyone_max);
  if (!users) {
    lost_.add();
    return log_(LogLevel::warning, "mentions could not be told: " + users.error().message);
  }
  const nlohmann::ordered_json notice{
      {"type", "mention"}, {"room", mention.room}, {"seq", mention.seq}, {"from", mention.from}};
  for (const auto& user : *users) {
    if (user == mention.from) continue;
    const bool sent = publisher_
                          .publish({.topic = wire::user_topic(wire::TopicKind::user_inbox, user),
                                    .payload = notice.dump(),
                                    .correlation_data = {}})
                          .has_value();
    (sent ? told_ : lost_).add();
  }
}

}  // namespace parley::backend
