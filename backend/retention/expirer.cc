#include "backend/retention/expirer.h"

#include <algorithm>
#include <utility>

namespace parley::backend {
namespace {

constexpr int kRestsFor = 3;  // as long as it worked

}  // namespace

Expirer::Expirer(RetentionStore& store, std::function<void(std::uint64_t)> gone, Metrics& metrics,
                 const Clock& clock, LogSink log, const ExpirerOptions& options)
    : store_(store),
      gone_(std::move(gone)),
      clock_(clock),
      log_(std::move(log)),
      options_(options),
      expired_(metrics.counter("parley_retention_expired_total", "Messages that have expired.")),
      batches_(metrics.counter("parley_retention_batches_total", "Transactions in which messages expired.")),
      failures_(metrics.counter("parley_retention_failures_total",
                                "Times the store failed while messages were to expire; they wait.")),
      due_(metrics.gauge("parley_retention_rooms_due", "Rooms known to have messages that are due.")),
      round_seconds_(
          metrics.gauge("parley_retention_round_seconds", "How long the last round through all rooms took.")),
      pace_(options.messages_per_s) {}

void Expirer::activate() {
  {
    std::lock_guard lock(mutex_);
    progress_.active = true;
    begin_ = true;
  }
  thread_.wake();
}

void Expirer::apply(const ExpirerOptions& options) {
  {
    std::lock_guard lock(mutex_);
    options_given_ = options;
    begin_ = true;
  }
  thread_.wake();
}

void Expirer::deactivate() {
  std::lock_guard lock(mutex_);
  progress_.active = false;
}

ExpirerProgress Expirer::progress() const {
  std::lock_guard lock(mutex_);
  return progress_;
}

// When to come again, or nothing: there is something to do now.
std::optional<SteadyTime> Expirer::begin_turn(SteadyTime now) {
  {
    std::lock_guard lock(mutex_);
    if (const auto given = std::exchange(options_given_, std::nullopt)) {
      options_ = *given;
      pace_.set(given->messages_per_s);
    }
    if (std::exchange(begin_, false)) {
      rooms_.clear();
      last_page_ = true;
      round_at_ = now;
    }
  }
  if (now < not_before_) return not_before_;
  if (!rooms_.empty() || !last_page_) return std::nullopt;
  if (now < round_at_) return round_at_;
  after_ = 0;
  last_page_ = false;
  round_began_ = now;
  return std::nullopt;
}

std::optional<SteadyTime> Expirer::step() {
  if (!progress().active) return std::nullopt;
  const auto began = clock_.steady();
  if (const auto later = begin_turn(began)) return later;
  const bool worked = rooms_.empty() ? look() : expire_next();
  const auto now = clock_.steady();
  const auto rest = worked ? kRestsFor * (now - began) : options_.retry;
  not_before_ = std::max(now + rest, worked ? pace_.next() : now);
  if (worked && rooms_.empty() && last_page_) {
    round_at_ = now + options_.every;
    round_seconds_.set(std::chrono::duration<double>(now - round_began_).count());
    std::lock_guard lock(mutex_);
    progress_.round = clock_.wall();
  }
  show();
  return not_before_;
}

// At the next rooms.
bool Expirer::look() {
  const auto rooms =
      store_.rooms({.after = after_, .limit = options_.rooms_max, .all = options_.rules.hold_everywhere()});
  if (!rooms) {
    failed(rooms.error());
    return false;
  }
  works_ = true;
  last_page_ = rooms->size() < options_.rooms_max;
  for (const auto& room : *rooms) {
    after_ = room.room_id;
    const auto line = due_line(options_.rules.in_force(room.own), room.last_seq, clock_.wall());
    if (line.due(room.oldest, room.oldest_at_ms)) rooms_.push_back(room.room_id);
  }
  return true;
}

bool Expirer::expire_next() {
  const auto room = rooms_.front();
  rooms_.pop_front();
  const auto done = store_.expire(
      {.room_id = room, .rules = options_.rules, .now = clock_.wall(), .rows_max = options_.batch_max});
  if (!done) {
    rooms_.push_back(room);
    failed(done.error());
    return false;
  }
  works_ = true;
  if (done->more) rooms_.push_back(room);
  if (done->rows == 0) return true;
  expired_.add(done->rows);
  batches_.add();
  pace_.spend(done->rows, clock_.steady());
  {
    std::lock_guard lock(mutex_);
    progress_.expired += done->rows;
  }
  gone_(room);
  return true;
}

void Expirer::failed(const Error& error) {
  failures_.add();
  if (std::exchange(works_, false))
    log_(LogLevel::warning, "messages that are due can't expire, trying again: " + error.message);
}

void Expirer::show() {
  due_.set(static_cast<double>(rooms_.size()));
  std::lock_guard lock(mutex_);
  progress_.rooms_due = rooms_.size();
}

}  // namespace parley::backend
