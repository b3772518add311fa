#include <atomic>
#include <random>
#include <thread>

#include "tools/parley-bench/feed_rate.h"
#include "tools/parley-bench/store_measures.h"
#include "tools/parley-bench/try.h"

namespace parley::bench {
namespace {

template <class Work>
Result<double> rate(std::size_t rows, Work work) {
  const auto begin = std::chrono::steady_clock::now();
  PARLEY_TRY(work());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  return static_cast<double>(rows) / took.count();
}

// The same rows into a table of their own, `batch` of them in each transaction.
Result<double> bare_rate(StoreWorld& world, const Feed& feed, std::size_t batch) {
  PARLEY_TRY(world.bare().create_table());
  PARLEY_TRY(world.settle());
  return rate(feed.records.size(), [&] {
    return in_parts(feed.records, batch, [&](auto part) { return world.bare().insert(part); });
  });
}

Result<double> store_rate(StoreWorld& world, const Feed& feed, std::size_t batch) {
  PARLEY_TRY(world.settle());
  return rate(feed.records.size(), [&] { return world.store(feed, batch); });
}

// Threads that page through the world's rooms while this lives: a page each 20 ms, as fast as people do, not as
// fast as a loop can. Each has had its first page, hence its connection, when this is made.
class Readers {
 public:
  Readers(StoreWorld& world, std::size_t count, std::uint64_t newest) {
    for (std::size_t i = 0; i < count; ++i)
      threads_.emplace_back(
          [this, &world, i, newest](const std::stop_token& stop) { read(world, i, newest, stop); });
    while (begun_ < count && !failed_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    pages_ = 0;
  }
  // Ends them; how many pages they had.
  Result<std::size_t> end() {
    for (auto& thread : threads_) thread.request_stop();
    threads_.clear();
    if (failed_) return fail(Errc::unavailable, "A page could not be read.");
    return pages_.load();
  }

 private:
  void read(StoreWorld& world, std::size_t nth, std::uint64_t newest, const std::stop_token& stop) {
    std::mt19937_64 random(nth);
    for (bool first = true; !stop.stop_requested() && !failed_; first = false) {
      const auto page = world.messages().page(
          {.room_id = world.room(random()), .before = 2 + random() % newest, .limit = kPageRows});
      if (!page || page->envelopes.empty()) failed_ = true;
      ++pages_;
      if (first) ++begun_;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

  std::atomic<bool> failed_ = false;
  std::atomic<std::size_t> begun_ = 0, pages_ = 0;
  std::vector<std::jthread> threads_;  // the last: they use the others
};

Result<> measure_beside_readers(Run& run, StoreWorld& world, const StoreOptions& options) {
  const auto measure = "storing, " + std::to_string(options.readers) + " readers";
  const auto batch = options.batches.front();
  const auto alone = world.next(options.rows);
  run.report.add(measure, "rows/s", "parley, no readers", PARLEY_TRY(store_rate(world, alone, batch)));
  const auto beside = world.next(options.rows);
  PARLEY_TRY(world.settle());
  Readers readers(world, options.readers, options.rows / options.shape.rooms);
  const auto with = rate(options.rows, [&] { return world.store(beside, batch); });
  const auto pages = PARLEY_TRY(readers.end());
  run.report.add(measure, "rows/s", "parley", PARLEY_TRY(with));
  run.report.add("pages meanwhile", "pages", "parley", static_cast<double>(pages));
  run.report.set_baseline_of(measure, "parley, no readers");
  return {};
}

Result<> measure_round(Run& run, StoreWorld& world, const StoreOptions& options) {
  // The consumer takes what has queued up: the plugin's window of batches, some 3,000 rows of usual size.
  constexpr std::size_t kAsTheFeed = 3000;
  const auto fed = world.next(options.rows);
  run.report.add("feed", "rows/s", Report::kBare, PARLEY_TRY(bare_rate(world, fed, kAsTheFeed)));
  PARLEY_TRY(world.settle());
  run.report.add("feed", "rows/s", "parley", PARLEY_TRY(feed_rate(world, fed)));
  for (const auto batch : options.batches) {
    PARLEY_TRY(run.check());
    const auto measure = "storing, batches of " + std::to_string(batch);
    const auto feed = world.next(options.rows);
    run.report.add(measure, "rows/s", Report::kBare, PARLEY_TRY(bare_rate(world, feed, batch)));
    run.report.add(measure, "rows/s", "parley", PARLEY_TRY(store_rate(world, feed, batch)));
  }
  PARLEY_TRY(run.check());
  return options.readers > 0 ? measure_beside_readers(run, world, options) : Result<>{};
}

}  // namespace

Result<> measure_storing(Run& run, const StoreOptions& options) {
  for (unsigned round = 1; round <= run.settings.rounds; ++round) {
    run.say("storing, round " + std::to_string(round));
    auto world = PARLEY_TRY(StoreWorld::make(options.shape, run.folder / "storing"));
    PARLEY_TRY(measure_round(run, *world, options));
  }
  return {};
}

}  // namespace parley::bench
