#include <filesystem>

#include "tools/parley-bench/contender.h"
#include "tools/parley-bench/fleet.h"
#include "tools/parley-bench/prepared_data.h"
#include "tools/parley-bench/scenarios.h"
#include "tools/parley-bench/try.h"

namespace parley::bench {
namespace {

struct Options {
  std::uint64_t journal_bytes = 100'000'000;
  std::size_t rooms = 100'000;
  bool large = false;
};

// Milliseconds from the start of the program to a login that is answered.
Result<double> start_and_log_in(Run& run, Broker& broker, const Login& login) {
  const auto begin = std::chrono::steady_clock::now();
  PARLEY_TRY(broker.start());
  Fleet fleet(run, nullptr);
  PARLEY_TRY(fleet.join(broker.endpoint(run.settings.version()), {{.login = login}}));
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
  PARLEY_TRY(fleet.leave());
  return took.count();
}

Result<> recovery(Run& run, Options options) {
  if (options.large) options = {.journal_bytes = 1'000'000'000, .rooms = 1'000'000};
  const PreparedData wanted{.users = 100,
                            .rooms = options.rooms,
                            .members = 2 * options.rooms,
                            .journal_bytes = options.journal_bytes};
  run.report.parameter("journal bytes", std::to_string(options.journal_bytes));
  run.report.parameter("rooms", std::to_string(wanted.rooms));
  run.report.parameter("memberships", std::to_string(wanted.members));

  run.say("preparing the data");
  const auto folder = run.folder / "parley";
  auto broker = PARLEY_TRY(ParleyServer::prepare_broker(run, folder, {"journal_max_bytes 64G"}));
  const auto login = PARLEY_TRY(prepare_data(run, ParleyServer::plugin_data(folder), wanted));
  auto bare = PARLEY_TRY(Broker::prepare(run, run.folder / "bare", {"allow_anonymous true"}));

  PARLEY_TRY(start_and_log_in(run, broker, login));
  for (unsigned round = 1; round <= run.settings.rounds; ++round) {
    run.say("round " + std::to_string(round) + " of " + std::to_string(run.settings.rounds));
    const double plain =
        PARLEY_TRY(start_and_log_in(run, bare, {.client_id = "bench", .user = "", .password = ""}));
    bare.kill();
    run.report.add("start to first login", "ms", Report::kBare, plain);
    broker.kill();
    run.report.add("start to first login", "ms", "parley", PARLEY_TRY(start_and_log_in(run, broker, login)));
  }
  run.report.note("Parley was killed with SIGKILL before each start; its files were in the page cache.");
  return {};
}

}  // namespace

void add_recovery(CLI::App& app, Chosen& chosen) {
  auto* command = app.add_subcommand("recovery", "Time until the broker accepts again after SIGKILL");
  auto options = std::make_shared<Options>();
  command->add_option("--journal", options->journal_bytes, "Bytes of unstored messages in the journal")
      ->transform(CLI::AsSizeValue(true))
      ->capture_default_str();
  command->add_option("--rooms", options->rooms, "Rooms, each with two members")
      ->check(CLI::Range(1, 50'000'000))
      ->capture_default_str();
  command->add_flag("--large", options->large,
                    "1 GB of journal and 1 million rooms, the size the aim is stated for");
  command->final_callback([&chosen, options] {
    chosen = {"recovery", [options](Run& run) { return recovery(run, *options); }};
  });
}

}  // namespace parley::bench
