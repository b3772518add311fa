#include "plugin/journal/upkeep.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <iterator>

namespace parley::plugin {
namespace {

constexpr std::size_t kLogMax = 64;  // lines kept for the broker's log

// Signals are the broker's business: a thread started while this lives never gets one.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

// Gives up the lock while something slow is done.
template <class Work>
auto without_lock(std::unique_lock<std::mutex>& lock, Work work) {
  lock.unlock();
  auto result = work();
  lock.lock();
  return result;
}

}  // namespace

Upkeep::Upkeep(UpkeepSettings settings, std::uint64_t next_base)
    : settings_(std::move(settings)), next_base_(next_base) {}

Upkeep::~Upkeep() {
  stop();
}

void Upkeep::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Result<> Upkeep::prepare(std::size_t count) {
  Result<> made;
  while (made && spares_.size() < count) {
    auto spare = Segment::create(settings_.dir, settings_.lineage, next_base_, settings_.segment_bytes,
                                 *settings_.disk);
    if (spare) {
      next_base_ = (*spare)->next_base();
      spares_.push_back(std::move(*spare));
    } else {
      made = std::unexpected(spare.error());
    }
  }
  const SignalsBlocked blocked;
  thread_ = std::thread([this] { run(); });
  return made;
}

std::shared_ptr<Segment> Upkeep::take_spare() {
  std::shared_ptr<Segment> spare;
  {
    const std::scoped_lock lock(mutex_);
    if (spares_.empty()) return nullptr;
    spare = std::move(spares_.front());
    spares_.pop_front();
  }
  wake_.notify_one();
  return spare;
}

void Upkeep::watch(std::shared_ptr<Segment> segment) {
  const std::scoped_lock lock(mutex_);
  watched_.push_back(std::move(segment));
  wake_.notify_one();
}

void Upkeep::start_fold(FoldJob job) {
  folding_.store(true, std::memory_order_release);
  const std::scoped_lock lock(mutex_);
  std::erase_if(watched_,
                [&](const auto& s) { return s->base() < job.covers(); });  // no need to flush what goes
  job_ = std::move(job);
  wake_.notify_one();
}

void Upkeep::discard(std::vector<std::shared_ptr<Segment>> segments) {
  const std::scoped_lock lock(mutex_);
  std::ranges::move(segments, std::back_inserter(trash_));
  wake_.notify_one();
}

std::size_t Upkeep::spares() const {
  const std::scoped_lock lock(mutex_);
  return spares_.size();
}

std::string Upkeep::trouble() const {
  const std::scoped_lock lock(mutex_);
  return trouble_;
}

std::vector<std::pair<LogLevel, std::string>> Upkeep::take_log() {
  const std::scoped_lock lock(mutex_);
  has_log_.store(false, std::memory_order_release);
  return std::exchange(log_, {});
}

bool Upkeep::settle(std::chrono::milliseconds bound) {
  std::unique_lock lock(mutex_);
  return settled_.wait_for(lock, bound, [this] { return idle(); });
}

void Upkeep::run() {
  std::unique_lock lock(mutex_);
  last_flush_ = std::chrono::steady_clock::now();
  while (!stop_) {
    busy_ = true;
    while (!stop_ && step(lock, std::chrono::steady_clock::now())) {
    }
    busy_ = false;
    if (idle()) settled_.notify_all();
    if (stop_) break;
    const Time until = next_time();
    if (until == Time::max()) {
      wake_.wait(lock);
    } else {
      wake_.wait_until(lock, until);
    }
  }
}

// Does the most urgent thing that is due; false when there is none.
bool Upkeep::step(std::unique_lock<std::mutex>& lock, Time now) {
  if (spares_.size() < settings_.spares && now >= spare_retry_.at) {
    make_spare(lock, now);
  } else if (flush_is_due(now)) {
    flush(lock, now);
  } else if (job_ && now >= fold_retry_.at) {
    run_fold(lock, now);
  } else if (!trash_.empty()) {
    empty_trash(lock);
  } else {
    return false;
  }
  return true;
}

bool Upkeep::idle() const {
  return !busy_ && spares_.size() >= settings_.spares && !job_ && trash_.empty() && watched_.size() <= 1;
}

// When something will be due by itself.
Upkeep::Time Upkeep::next_time() const {
  Time next = Time::max();
  if (spares_.size() < settings_.spares) next = std::min(next, spare_retry_.at);
  if (job_) next = std::min(next, fold_retry_.at);
  if (watched_.size() > 1) next = std::min(next, flush_retry_.at);
  if (settings_.flush_interval.count() > 0 && !watched_.empty()) {
    next = std::min(next, std::max(last_flush_ + settings_.flush_interval, flush_retry_.at));
  }
  return next;
}

void Upkeep::make_spare(std::unique_lock<std::mutex>& lock, Time now) {
  const std::uint64_t base = next_base_;
  auto spare = without_lock(lock, [&] {
    return Segment::create(settings_.dir, settings_.lineage, base, settings_.segment_bytes, *settings_.disk);
  });
  if (!spare) {
    trouble_ = spare.error().message;
    failed(spare_retry_, now, trouble_);
    return;
  }
  if (!trouble_.empty()) note(LogLevel::info, "There is space for the journal again.");
  trouble_.clear();
  spare_retry_ = {};
  next_base_ = (*spare)->next_base();
  spares_.push_back(std::move(*spare));
}

void Upkeep::run_fold(std::unique_lock<std::mutex>& lock, Time now) {
  const FoldJob& job = *job_;  // start_fold() is not called while folding()
  const Result<std::uint64_t> bytes = without_lock(lock, [&] {
    Result<std::uint64_t> folded = fold(job);
    // A file that can't be removed is found and removed at the next start.
    if (folded) std::ranges::for_each(job.segments, [](const auto& s) { ::unlink(s->path().c_str()); });
    return folded;
  });
  if (!bytes) {
    failed(fold_retry_, now, "The journal can't be trimmed: " + bytes.error().message);
    return;
  }
  fold_retry_ = {};
  checkpoint_bytes_.store(*bytes, std::memory_order_relaxed);
  covered_.store(job.covers(), std::memory_order_release);
  std::ranges::move(job_->segments, std::back_inserter(trash_));
  job_.reset();
  folding_.store(false, std::memory_order_release);
}

bool Upkeep::flush_is_due(Time now) const {
  if (watched_.empty() || now < flush_retry_.at) return false;
  if (watched_.size() > 1) return true;
  return settings_.flush_interval.count() > 0 && now >= last_flush_ + settings_.flush_interval;
}

void Upkeep::flush(std::unique_lock<std::mutex>& lock, Time now) {
  const std::shared_ptr<Segment> segment = watched_.front();
  const bool full = watched_.size() > 1;
  if (!full) last_flush_ = now;
  const int error = without_lock(lock, [&] { return segment->flush(*settings_.disk); });
  if (error != 0) {
    failed(flush_retry_, now, "Can't flush " + segment->path().string() + ": " + std::strerror(error));
    return;
  }
  flush_retry_ = {};
  if (full && !watched_.empty() && watched_.front() == segment) watched_.pop_front();
}

void Upkeep::empty_trash(std::unique_lock<std::mutex>& lock) {
  std::vector<std::shared_ptr<Segment>> trash = std::exchange(trash_, {});
  without_lock(lock, [&] {
    trash.clear();
    return 0;
  });
}

void Upkeep::failed(Retry& retry, Time now, const std::string& message) {
  if (retry.pause.count() == 0) note(LogLevel::error, message);  // once, not at every attempt
  retry.pause = std::clamp(retry.pause * 2, settings_.retry_min, settings_.retry_max);
  retry.at = now + retry.pause;
}

void Upkeep::note(LogLevel level, std::string line) {
  if (log_.size() >= kLogMax) return;
  log_.emplace_back(level, std::move(line));
  has_log_.store(true, std::memory_order_release);
}

}  // namespace parley::plugin
