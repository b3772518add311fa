#include <array>

#include "tools/parley-bench/flooder.h"
#include "tools/parley-bench/latency_rows.h"
#include "tools/parley-bench/load_options.h"
#include "tools/parley-bench/saturation.h"
#include "tools/parley-bench/scenarios.h"
#include "tools/parley-bench/try.h"

namespace parley::bench {
namespace {

struct Options {
  LoadOptions load;
  double rate = 300;
};

struct Case {
  const char* name;
  std::optional<Flood> flood;
};
constexpr std::array<Case, 5> kCases{{{"no flood", {}},
                                      {"messages", Flood::messages},
                                      {"requests", Flood::requests},
                                      {"subscriptions", Flood::subscriptions},
                                      {"connects", Flood::connects}}};

// What an operator sets who has people and not machines for users; but nobody is put out, so the flood goes on.
const std::vector<std::string> kLimits{"user_rate 50", "user_burst 200", "flood_refusals 0"};

Result<> offer_beside(const Case& what, Run& run, Contender& contender, const LoadShape& shape, double rate) {
  Load load(run, contender, shape);
  PARLEY_TRY(load.join());
  std::unique_ptr<Flooder> flooder;
  // The last user is nobody's sender or receiver; a flood of connects tries a wrong password.
  auto login = contender.login(shape.population.users());
  if (what.flood == Flood::connects) login.password = "a wrong guess";
  if (what.flood)
    flooder =
        PARLEY_TRY(Flooder::start(*what.flood, contender.broker().endpoint(run.settings.version()), login));
  std::uint64_t attempts = 0, refused = 0;
  const auto result = PARLEY_TRY(load.offer(rate, {.begin =
                                                       [&] {
                                                         if (flooder)
                                                           attempts = flooder->attempts(),
                                                           refused = flooder->refused();
                                                       },
                                                   .end =
                                                       [&] {
                                                         if (flooder)
                                                           attempts = flooder->attempts() - attempts,
                                                           refused = flooder->refused() - refused;
                                                       }}));
  flooder.reset();
  add_latency_rows(run.report, result.latency, "", what.name);
  if (what.flood) {
    run.report.add("attempts", "/s", what.name, static_cast<double>(attempts) / run.settings.seconds);
    run.report.add("refused", "/s", what.name, static_cast<double>(refused) / run.settings.seconds);
  }
  return load.leave();
}

Result<> flood(Run& run, const Options& options) {
  const auto shape = PARLEY_TRY(options.load.resolve());
  describe(shape, run.settings, run.report);
  run.report.parameter("rate", format_number(options.rate) + "/s");
  run.report.set_baseline(kCases[0].name);
  auto population = shape.population;
  ++population.receivers;  // the flooder's account
  auto contender = PARLEY_TRY(start_parley(run, population, kLimits));
  for (unsigned round = 1; round <= run.settings.rounds; ++round) {
    run.say("round " + std::to_string(round) + " of " + std::to_string(run.settings.rounds));
    for (const auto& what : kCases) PARLEY_TRY(offer_beside(what, run, *contender, shape, options.rate));
  }
  run.report.note(
      "Limits: user_rate 50, user_burst 200, flood_refusals 0 (otherwise the flooder is put out after 1,000 "
      "refusals), the others as they are by default. The flood comes from 127.0.0.2, on this machine.");
  return {};
}

}  // namespace

void add_flood(CLI::App& app, Chosen& chosen) {
  auto* command = app.add_subcommand("flood", "Others' latency while one client floods");
  auto options = std::make_shared<Options>();
  options->load.add_to(*command);
  command->add_option("--rate", options->rate, "Messages per second of all others; each below user_rate")
      ->check(CLI::Range(1.0, 1e6))
      ->capture_default_str();
  command->footer(
      "The same fixed rate with nobody else about, and beside one client who does one thing without end: "
      "publishes\n"
      "messages, makes requests, subscribes (100 under way at once), or connects with a wrong password (8 at "
      "once).\n"
      "The columns should be alike; `attempts` says what the flood came to.");
  command->final_callback([&chosen, options] {
    chosen = {"flood", [options](Run& run) { return flood(run, *options); }};
  });
}

}  // namespace parley::bench
