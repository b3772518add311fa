#include <condition_variable>
#include <mutex>
#include <random>

#include "backend/feed/feed_consumer.h"
#include "backend/metrics/metrics.h"
#include "backend/store/sqlite_stores.h"
#include "tools/parley-bench/contender.h"
#include "tools/parley-bench/record_source.h"
#include "tools/parley-bench/scenarios.h"
#include "tools/parley-bench/sqlite_rows.h"
#include "tools/parley-bench/try.h"
#include "wire/feed.h"

namespace parley::bench {
namespace {

constexpr std::uint64_t kGeneration = 1;
constexpr std::size_t kWindow = 8;  // batches the plugin has under way

struct Options {
  std::size_t rows = 200'000;
  std::size_t rooms = 10;
  std::size_t content_bytes = 100;
  std::size_t bulk_rows = 5000;
  std::size_t history_rows = 1'000'000;
};

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

// The backend's store over a new database with rooms in it.
struct World {
  SystemClock clock;
  backend::Stores stores;
  std::vector<RecordSource::Room> rooms;
};

Result<std::unique_ptr<World>> make_world(const std::filesystem::path& database, std::size_t rooms) {
  auto world = std::make_unique<World>();
  world->stores = PARLEY_TRY(backend::open_sqlite_stores(database, {}, world->clock));
  PARLEY_TRY(world->stores.users->create({.name = user_name(0), .title = "", .admin = false, .scram = ""}));
  for (std::size_t i = 0; i < rooms; ++i) {
    auto made = PARLEY_TRY(world->stores.rooms->create(
        {.name = room_name(i), .title = "", .members = {{user_name(0), wire::Role::owner}}}));
    world->rooms.push_back({made.value.id, made.value.name});
  }
  PARLEY_TRY(world->stores.messages->begin(kGeneration, "bench", 0));
  return world;
}

double rate(std::size_t rows, SteadyTime begin) {
  return static_cast<double>(rows) /
         std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// Rows a second through parleyd's own consumer and store, with as many batches under way as the plugin allows.
Result<double> through_consumer(World& world, const std::vector<std::string>& batches, std::size_t rows) {
  backend::Metrics metrics;
  NoEvents events;
  Acknowledged acknowledged;
  std::string trouble;
  std::mutex mutex;
  backend::FeedConsumer consumer(*world.stores.messages, events, acknowledged, metrics, world.clock,
                                 [&](LogLevel, std::string_view line) {
                                   const std::lock_guard lock(mutex);
                                   trouble = line;
                                 });
  consumer.begin(kGeneration, 0);
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::uint64_t> ends;
  for (const auto& batch : batches) {
    if (ends.size() >= kWindow) PARLEY_TRY(acknowledged.wait_for(ends[ends.size() - kWindow]));
    ends.push_back(wire::parse_feed_batch(batch)->to);
    consumer.offer(batch);
  }
  PARLEY_TRY(acknowledged.wait_for(ends.back()));
  const double result = rate(rows, begin);
  const auto stored = PARLEY_TRY(world.stores.messages->message_count());
  const std::lock_guard lock(mutex);
  if (stored != rows) return fail(Errc::internal, std::to_string(stored) + " rows were stored. " + trouble);
  return result;
}

// Rows a second of the same records by bare inserts.
Result<double> in_bulk(const std::filesystem::path& database, const std::vector<std::string>& batches,
                       const Options& options) {
  std::vector<wire::Record> records;
  for (const auto& batch : batches) std::ranges::move(records_of(batch), std::back_inserter(records));
  auto rows = PARLEY_TRY(SqliteRows::open(database));
  PARLEY_TRY(rows.create_table());
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < records.size(); i += options.bulk_rows) {
    const auto count = std::min(options.bulk_rows, records.size() - i);
    PARLEY_TRY(rows.insert({records.data() + i, count}));
  }
  return rate(records.size(), begin);
}

Result<> measure_storing(Run& run, const Options& options) {
  for (unsigned round = 1; round <= run.settings.rounds; ++round) {
    PARLEY_TRY(run.check());
    run.say("storing, round " + std::to_string(round));
    const auto folder = run.folder / ("store" + std::to_string(round));
    PARLEY_TRY(make_folder(folder));
    auto world = PARLEY_TRY(make_world(folder / "parley.db", options.rooms));
    RecordSource source(world->rooms, options.content_bytes);
    const auto batches = make_batches(source, options.rows, kGeneration, 0).payloads;
    run.report.add("storing", "rows/s", Report::kBare,
                   PARLEY_TRY(in_bulk(folder / "bare.db", batches, options)));
    run.report.add("storing", "rows/s", "parley",
                   PARLEY_TRY(through_consumer(*world, batches, options.rows)));
    world.reset();
    std::error_code ec;
    std::filesystem::remove_all(folder, ec);
  }
  return {};
}

// Microseconds of one page of 50 before `seq`, the median of many.
template <class ReadPage>
Result<double> time_page(std::uint64_t before, ReadPage read_page) {
  constexpr int kPages = 200;
  std::mt19937_64 random(before);
  Rounds times;
  for (int i = 0; i < kPages; ++i) {
    const auto from =
        before - random() % std::max<std::uint64_t>(1, before / 100);  // near it, not always in the cache
    const auto begin = std::chrono::steady_clock::now();
    PARLEY_TRY(read_page(from));
    times.add(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
  }
  return times.median();
}

Result<> fill_history(Run& run, World& world, std::size_t rows) {
  constexpr std::size_t kAtOnce = 5000;
  RecordSource source(world.rooms, 100);
  std::uint64_t offset = 0;
  for (std::size_t done = 0; done < rows; done += kAtOnce) {
    const auto batches = make_batches(source, std::min(kAtOnce, rows - done), kGeneration, offset);
    for (const auto& batch : batches.payloads) {
      const auto to = wire::parse_feed_batch(batch)->to;
      PARLEY_TRY(world.stores.messages->store(kGeneration, offset, to, records_of(batch)));
      offset = to;
    }
    PARLEY_TRY(run.check());
  }
  return {};
}

Result<> measure_history(Run& run, const Options& options) {
  constexpr int kLimit = 50;
  run.say("filling a room with " + format_number(static_cast<double>(options.history_rows)) + " messages");
  const auto folder = run.folder / "history";
  PARLEY_TRY(make_folder(folder));
  auto world = PARLEY_TRY(make_world(folder / "parley.db", 1));
  PARLEY_TRY(fill_history(run, *world, options.history_rows));
  auto bare = PARLEY_TRY(SqliteRows::open(folder / "parley.db"));
  const auto room = world->rooms.front().id;
  const std::pair<const char*, std::uint64_t> depths[] = {{"page, newest", options.history_rows},
                                                          {"page, middle", options.history_rows / 2},
                                                          {"page, oldest", options.history_rows / 100}};
  for (unsigned round = 1; round <= run.settings.rounds; ++round) {
    for (const auto& [name, before] : depths) {
      PARLEY_TRY(run.check());
      run.report.add(name, "us", Report::kBare, PARLEY_TRY(time_page(before, [&](std::uint64_t from) {
                       return bare.read_page(room, from, kLimit);
                     })));
      run.report.add(
          name, "us", "parley", PARLEY_TRY(time_page(before, [&](std::uint64_t from) {
            return world->stores.messages->page({.room_id = room, .before = from, .limit = kLimit});
          })));
    }
  }
  return {};
}

Result<> store(Run& run, const Options& options) {
  run.report.parameter("rows", std::to_string(options.rows));
  run.report.parameter("rooms", std::to_string(options.rooms));
  run.report.parameter("content bytes", std::to_string(options.content_bytes));
  run.report.parameter("rows a bare transaction", std::to_string(options.bulk_rows));
  run.report.parameter("history rows", std::to_string(options.history_rows));
  PARLEY_TRY(measure_storing(run, options));
  if (options.history_rows > 0) PARLEY_TRY(measure_history(run, options));
  run.report.note(
      "bare: the same rows, or the same query, by SQLite's C interface alone (WAL, synchronous FULL).");
  return {};
}

}  // namespace

void add_store(CLI::App& app, Chosen& chosen) {
  auto* command = app.add_subcommand("store", "Rows stored per second, and the time of a page of history");
  auto options = std::make_shared<Options>();
  command->add_option("--rows", options->rows, "Messages stored each round")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  command->add_option("--rooms", options->rooms, "Rooms they are in")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command->add_option("--content", options->content_bytes, "Bytes of a message's content")
      ->check(CLI::Range(12, 60'000))
      ->capture_default_str();
  command->add_option("--bulk-rows", options->bulk_rows, "Rows of one transaction of the bare inserts")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command
      ->add_option("--history", options->history_rows,
                   "Messages of the room whose pages are read; 0: none are")
      ->check(CLI::Range(0, 100'000'000))
      ->capture_default_str();
  command->footer("parleyd's own feed consumer and store, in this process: no broker is started.");
  command->final_callback([&chosen, options] {
    chosen = {"store", [options](Run& run) { return store(run, *options); }};
  });
}

}  // namespace parley::bench
