#include <sqlite3.h>

#include <csignal>

#include "tools/parley-bench/latency_rows.h"
#include "tools/parley-bench/load_options.h"
#include "tools/parley-bench/saturation.h"
#include "tools/parley-bench/scenarios.h"
#include "tools/parley-bench/try.h"

namespace parley::bench {
namespace {

struct Options {
  LoadOptions load;
  double rate = 5000;
};

// parleyd does not run while this lives.
class Stopped {
 public:
  explicit Stopped(const Process& process) : process_(process) { process_.signal(SIGSTOP); }
  ~Stopped() { process_.signal(SIGCONT); }
  Stopped(const Stopped&) = delete;
  Stopped& operator=(const Stopped&) = delete;

 private:
  const Process& process_;
};

// Nobody can write to the database while this lives: every transaction of parleyd's waits, and fails.
class LockedDatabase {
 public:
  static Result<std::unique_ptr<LockedDatabase>> lock(const std::filesystem::path& path) {
    std::unique_ptr<LockedDatabase> locked(new LockedDatabase);
    if (sqlite3_open_v2(path.c_str(), &locked->database_, SQLITE_OPEN_READWRITE, nullptr) != SQLITE_OK ||
        sqlite3_busy_timeout(locked->database_, 10'000) != SQLITE_OK ||
        sqlite3_exec(locked->database_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) != SQLITE_OK)
      return fail(Errc::unavailable,
                  std::string("The database can't be locked: ") + sqlite3_errmsg(locked->database_));
    return locked;
  }
  ~LockedDatabase() {
    sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
    sqlite3_close(database_);
  }
  LockedDatabase(const LockedDatabase&) = delete;
  LockedDatabase& operator=(const LockedDatabase&) = delete;

 private:
  LockedDatabase() = default;
  sqlite3* database_ = nullptr;
};

enum class Trouble { none, stopped, locked };

constexpr std::pair<Trouble, const char*> kTroubles[] = {
    {Trouble::none, "all well"}, {Trouble::stopped, "parleyd stopped"}, {Trouble::locked, "database locked"}};

Result<> offer_in(Trouble trouble, const char* name, Run& run, Contender& contender, const LoadShape& shape,
                  double rate) {
  const auto stored = PARLEY_TRY(StoredCount::begin(contender));
  Load load(run, contender, shape);
  PARLEY_TRY(load.join());
  std::uint64_t sent = 0;
  const auto began = std::chrono::steady_clock::now();
  {
    std::optional<Stopped> stopped;
    std::unique_ptr<LockedDatabase> locked;
    if (trouble == Trouble::stopped) stopped.emplace(contender.parley()->parleyd());
    if (trouble == Trouble::locked) locked = PARLEY_TRY(LockedDatabase::lock(contender.parley()->database()));
    const auto result = PARLEY_TRY(load.offer(rate));
    sent = result.sent;
    add_latency_rows(run.report, result.latency, "", name);
  }
  Report ignored("");
  PARLEY_TRY(stored.finish(sent, began, ignored));
  return load.leave();
}

Result<> stall(Run& run, const Options& options) {
  const auto shape = PARLEY_TRY(options.load.resolve());
  describe(shape, run.settings, run.report);
  run.report.parameter("rate", format_number(options.rate) + "/s");
  run.report.set_baseline(kTroubles[0].second);
  auto contender = PARLEY_TRY(start_parley(run, shape.population));
  for (unsigned round = 1; round <= run.settings.rounds; ++round) {
    run.say("round " + std::to_string(round) + " of " + std::to_string(run.settings.rounds));
    for (const auto& [trouble, name] : kTroubles)
      PARLEY_TRY(offer_in(trouble, name, run, *contender, shape, options.rate));
  }
  run.report.note("After each round everything sent was stored.");
  return {};
}

}  // namespace

void add_stall(CLI::App& app, Chosen& chosen) {
  auto* command = app.add_subcommand("p7", "Latency while the backend hangs: the broker never waits");
  auto options = std::make_shared<Options>();
  options->load.add_to(*command);
  command->add_option("--rate", options->rate, "Messages per second of all senders")
      ->check(CLI::Range(1.0, 1e6))
      ->capture_default_str();
  command->footer(
      "The same fixed rate three times in turn: with all well, with parleyd stopped by SIGSTOP, and with "
      "its\n"
      "database locked by another process. The columns should be alike.");
  command->final_callback([&chosen, options] {
    chosen = {"p7", [options](Run& run) { return stall(run, *options); }};
  });
}

}  // namespace parley::bench
