#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.h"
#include "plugin/journal/disk.h"
#include "plugin/journal/fold.h"
#include "plugin/journal/segment.h"

namespace parley::plugin {

struct UpkeepSettings {
  std::filesystem::path dir;
  std::string lineage;
  std::uint64_t segment_bytes = 0;
  std::size_t spares = 2;
  std::chrono::milliseconds flush_interval{0};  // 0: full segments only
  std::chrono::milliseconds retry_min{100}, retry_max{5000};
  Disk* disk = nullptr;
};

// The journal's own thread: keeps spare segments ready, flushes, folds what is acknowledged into the
// checkpoint and removes it. Everything that may wait for a disk happens here.
//
// All public methods are for the broker's thread. They take a lock that the thread holds for a few
// instructions only, and do no I/O, but for prepare(), stop() and the destructor. Failures are retried after
// a growing pause and told by take_log().
class Upkeep {
 public:
  Upkeep(UpkeepSettings settings, std::uint64_t next_base);
  ~Upkeep();  // stop(); spares stay on disk
  Upkeep(const Upkeep&) = delete;
  Upkeep& operator=(const Upkeep&) = delete;

  // Makes the first `count` spares itself, so that the journal can be used at once; then starts the thread.
  // Blocks. On an error the thread is started all the same, and goes on trying.
  Result<> prepare(std::size_t count);

  // Waits for what the thread is at, and ends it. What was found out until then can still be asked for.
  void stop();

  // The next segment, in order of base; nullptr when none is ready.
  std::shared_ptr<Segment> take_spare();
  // Flush this one, at the interval and once more when it is full.
  void watch(std::shared_ptr<Segment> segment);
  // One at a time: folding() says whether the last one is still under way. The files are removed afterwards.
  void start_fold(FoldJob job);
  bool folding() const { return folding_.load(std::memory_order_acquire); }
  std::uint64_t covered() const {
    return covered_.load(std::memory_order_acquire);
  }  // by checkpoints written here
  std::uint64_t checkpoint_bytes() const { return checkpoint_bytes_.load(std::memory_order_relaxed); }
  void set_checkpoint_bytes(std::uint64_t bytes) {
    checkpoint_bytes_.store(bytes, std::memory_order_relaxed);
  }
  // Unmaps and closes these, which may take a while.
  void discard(std::vector<std::shared_ptr<Segment>> segments);

  std::size_t spares() const;
  std::string trouble() const;  // why there are no spares; "" when all is well
  std::vector<std::pair<LogLevel, std::string>> take_log();
  bool has_log() const { return has_log_.load(std::memory_order_acquire); }
  // True when nothing is left to do; false when `bound` passed before.
  bool settle(std::chrono::milliseconds bound);

 private:
  using Time = std::chrono::steady_clock::time_point;

  // When something that failed may be tried again.
  struct Retry {
    std::chrono::milliseconds pause{0};
    Time at{};
  };

  void run();
  bool step(std::unique_lock<std::mutex>& lock, Time now);
  Time next_time() const;
  bool idle() const;

  void make_spare(std::unique_lock<std::mutex>& lock, Time now);
  void run_fold(std::unique_lock<std::mutex>& lock, Time now);
  void flush(std::unique_lock<std::mutex>& lock, Time now);
  bool flush_is_due(Time now) const;
  void empty_trash(std::unique_lock<std::mutex>& lock);
  void failed(Retry& retry, Time now, const std::string& message);
  void note(LogLevel level, std::string line);

  const UpkeepSettings settings_;

  mutable std::mutex mutex_;  // guards all up to the atomics
  std::condition_variable wake_, settled_;
  std::deque<std::shared_ptr<Segment>> spares_;
  std::uint64_t next_base_;
  Retry spare_retry_, fold_retry_, flush_retry_;
  std::string trouble_;
  std::optional<FoldJob> job_;
  std::deque<std::shared_ptr<Segment>> watched_;  // the last one is being written, those before are full
  Time last_flush_{};
  std::vector<std::shared_ptr<Segment>> trash_;
  std::vector<std::pair<LogLevel, std::string>> log_;
  bool busy_ = false;
  bool stop_ = false;

  std::atomic<bool> folding_{false}, has_log_{false};
  std::atomic<std::uint64_t> covered_{0}, checkpoint_bytes_{0};
  std::thread thread_;
};

}  // namespace parley::plugin
