#include <benchmark/benchmark.h>

#include <chrono>
#include <cstring>
#include <ctime>

#include "plugin/journal/journal_testing.h"
#include "plugin/journal/sequencer.h"

// How long one append takes, one numbered message, and the recovery of a large journal. Run by hand, in Release, on a real disk:
//   TMPDIR=/var/tmp journal_bench
namespace parley::plugin {
namespace {

using namespace testing;  // NOLINT: the tests' own

// Not in /dev/shm: real pages of a real file system.
struct DiskFolder {
  DiskFolder() {
    std::string name = (fs::temp_directory_path() / "parley-bench-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path = name;
  }
  ~DiskFolder() { fs::remove_all(path); }
  fs::path path;
};

JournalOptions bench_options(SyncPolicy sync = SyncPolicy::off) {
  JournalOptions options;
  options.sync = sync;
  options.max_bytes = 4ull << 30;
  return options;
}

// Lets the thread catch up outside the measured time: a benchmark writes faster than any disk.
template <class Attempt>
void until_taken(benchmark::State& state, Journal& journal, Attempt attempt) {
  while (!attempt()) {
    state.PauseTiming();
    journal.trim(journal.end());
    journal.settle(std::chrono::minutes(1));
    state.ResumeTiming();
  }
}

void append_record(benchmark::State& state) {
  const DiskFolder dir;
  auto journal = std::move(
      *Journal::open(dir.path, bench_options(state.range(0) != 0 ? SyncPolicy::always : SyncPolicy::off)));
  const std::string envelope(300, 'x');
  const Row row{1, 1, envelope};
  std::uint64_t n = 0;
  for (auto _ : state) {
    const std::uint64_t room = 1 + ++n % 10;
    wire::Record record = record_of(row);
    record.room_id = room;
    record.seq = n;
    until_taken(state, *journal, [&] { return journal->append(record).has_value(); });
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(n * (wire::record_size(record_of({1, 1, envelope})))));
}
BENCHMARK(append_record)->Arg(0)->ArgName("sync_always");
BENCHMARK(append_record)->Arg(1)->ArgName("sync_always")->Iterations(500);

void number_a_message(benchmark::State& state) {
  const DiskFolder dir;
  auto journal = std::move(*Journal::open(dir.path, bench_options()));
  if (!journal->open_for_messages()) std::abort();
  LocalSequencer sequencer(*journal);
  const std::string content = R"({"text":")" + std::string(88, 'x') + R"("})";
  SequencerEntry entry;
  entry.room = {0, "lab", "k3x97q2m", 0};
  entry.user = "alice";
  entry.device = "alice-phone";
  entry.role = "member";
  entry.type = "text";
  entry.content = content;
  std::uint64_t n = 0;
  std::string ref;
  for (auto _ : state) {
    entry.room.id = 1 + ++n % 10;
    ref = state.range(0) != 0 ? std::to_string(n) : "";
    entry.ref = ref;
    const WallTime now = from_ms(1'795'314'673'123 + static_cast<std::int64_t>(n / 50));
    until_taken(state, *journal, [&] { return std::holds_alternative<Accepted>(sequencer.put(entry, now)); });
  }
}
BENCHMARK(number_a_message)->Arg(0)->Arg(1)->ArgName("with_ref");

void read_batches(benchmark::State& state) {
  const DiskFolder dir;
  auto journal = std::move(*Journal::open(dir.path, bench_options()));
  const std::string envelope(300, 'x');
  while (journal->end() < (100u << 20)) {
    if (!journal->append(record_of({1, journal->end() + 1, envelope})))
      journal->settle(std::chrono::minutes(1));
  }
  Offset at = 0;
  std::uint64_t records = 0;
  for (auto _ : state) {
    const auto run = journal->read(at, 128 << 10);
    records += run->count;
    at = run->to == journal->end() ? 0 : run->to;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(records));
}
BENCHMARK(read_batches);

// 1 GB in the page cache, as after a killed broker; every room of a million, and as many refs as fit.
void recover_1_gb_and_1m_rooms(benchmark::State& state) {
  const DiskFolder dir;
  constexpr std::uint64_t kRooms = 1'000'000;
  {
    auto journal = std::move(*Journal::open(dir.path, bench_options()));
    const std::string envelope(250, 'x');
    const Row row{1, 1, envelope};
    for (std::uint64_t n = 0; journal->end() < 1'000'000'000;) {
      wire::Record record = record_of(row, state.range(0) != 0 ? n + 1 : 0);
      record.room_id = 1 + n % kRooms;
      record.seq = 1 + n / kRooms;
      if (journal->append(record)) {
        ++n;
      } else {
        journal->settle(std::chrono::minutes(1));
      }
    }
    state.counters["records"] = static_cast<double>(journal->end()) /
                                static_cast<double>(wire::record_size(record_of({1, 1, envelope})));
  }
  for (auto _ : state) {
    auto journal = Journal::open(dir.path, bench_options());
    if (!journal) std::abort();
    state.PauseTiming();
    journal->reset();
    state.ResumeTiming();
  }
}
BENCHMARK(recover_1_gb_and_1m_rooms)
    ->Arg(0)
    ->Arg(1)
    ->ArgName("with_refs")
    ->Unit(benchmark::kMillisecond)
    ->Iterations(3);

// This thread's own time: what others on the machine take is not ours.
std::int64_t cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

// The slowest single insert on the way to two million refs and a million rooms: growth must not stall the broker.
void slowest_insert(benchmark::State& state) {
  for (auto _ : state) {
    Numbers numbers(std::chrono::hours(24), 2'000'000);
    const Row row{1, 1, {}};
    std::vector<std::int64_t> took;
    took.reserve(2'200'000);
    for (std::uint64_t n = 0; n < 2'200'000; ++n) {
      wire::Record record = record_of(row);
      record.room_id = 1 + n % 1'000'000;
      record.ref_hash = wire::RefHash{};
      const std::uint64_t spread = mix(n, 12345);
      std::memcpy(record.ref_hash.data(), &spread, 8);
      const std::int64_t begin = cpu_ns();
      numbers.apply(record);
      took.push_back(cpu_ns() - begin);
    }
    std::ranges::sort(took);
    state.counters["median_ns"] = static_cast<double>(took[took.size() / 2]);
    state.counters["p99.99_us"] = static_cast<double>(took[took.size() / 10000 * 9999]) / 1000;
    state.counters["max_us"] = static_cast<double>(took.back()) / 1000;
  }
}
BENCHMARK(slowest_insert)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace parley::plugin

BENCHMARK_MAIN();
