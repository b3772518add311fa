#include "tools/parley-bench/latency_rows.h"
#include "tools/parley-bench/load_options.h"
#include "tools/parley-bench/saturation.h"
#include "tools/parley-bench/scenarios.h"
#include "tools/parley-bench/try.h"

namespace parley::bench {
namespace {

struct Options {
  LoadOptions load;
  std::vector<double> rates{5000};
};

Result<> latency(Run& run, const Options& options) {
  const auto shape = PARLEY_TRY(options.load.resolve());
  describe(shape, run.settings, run.report);
  Contenders contenders;
  contenders.push_back(PARLEY_TRY(start_bare(run)));
  contenders.push_back(PARLEY_TRY(start_parley(run, shape.population)));
  for (const double rate : options.rates) {
    for (unsigned round = 1; round <= run.settings.rounds; ++round) {
      run.say(format_number(rate) + "/s, round " + std::to_string(round));
      for (auto& contender : contenders) {
        const auto stored = PARLEY_TRY(StoredCount::begin(*contender));
        Load load(run, *contender, shape);
        PARLEY_TRY(load.join());
        const auto began = std::chrono::steady_clock::now();
        const auto result = PARLEY_TRY(load.offer(rate));
        PARLEY_TRY(stored.finish(result.sent, began, run.report));
        PARLEY_TRY(load.leave());
        add_latency_rows(run.report, result.latency, format_number(rate) + "/s ", contender->name());
      }
    }
  }
  return {};
}

}  // namespace

void add_latency_rows(Report& report, const LatencyHistogram& latency, const std::string& prefix,
                      std::string_view contender) {
  auto add = [&](const char* measure, std::chrono::nanoseconds value) {
    report.add(prefix + measure, "ms", contender, std::chrono::duration<double, std::milli>(value).count());
  };
  add("p50", latency.percentile(0.5));
  add("p99", latency.percentile(0.99));
  add("p99.9", latency.percentile(0.999));
  add("max", latency.max());
}

void add_latency(CLI::App& app, Chosen& chosen) {
  auto* command =
      app.add_subcommand("latency", "Time from when a message was due to be sent to its delivery");
  auto options = std::make_shared<Options>();
  options->load.add_to(*command);
  command->add_option("--rate", options->rates, "Messages per second of all senders; several may be given")
      ->check(CLI::Range(1.0, 1e6))
      ->capture_default_str();
  command->footer(
      "Messages go out on a fixed schedule whatever comes back (open loop), and each one's time counts from "
      "its\n"
      "place in the schedule, so a stall is seen in everything it delays (no coordinated omission).");
  command->final_callback([&chosen, options] {
    chosen = {"latency", [options](Run& run) { return latency(run, *options); }};
  });
}

}  // namespace parley::bench
