#include "tools/parley-bench/load_options.h"
#include "tools/parley-bench/saturation.h"
#include "tools/parley-bench/scenarios.h"
#include "tools/parley-bench/try.h"

namespace parley::bench {
namespace {

struct Options {
  LoadOptions load;
  std::string only;
};

Result<> throughput(Run& run, const Options& options) {
  const auto shape = PARLEY_TRY(options.load.resolve());
  describe(shape, run.settings, run.report);
  Contenders contenders;
  if (options.only != "parley") contenders.push_back(PARLEY_TRY(start_bare(run)));
  if (options.only != "bare") contenders.push_back(PARLEY_TRY(start_parley(run, shape.population)));
  for (auto& contender : contenders)
    run.say(std::string(contender->name()) + ": mosquitto is process " +
            std::to_string(contender->broker().process().pid()));
  PARLEY_TRY(saturate_in_turn(run, contenders, shape));
  run.report.note(
      "Every message was delivered, in its sender's order; Parley's were all stored before a round ended.");
  return {};
}

Result<> peer(Run& run, const LoadOptions& options) {
  const auto shape = PARLEY_TRY(options.resolve());
  describe(shape, run.settings, run.report);
  Contenders contenders;
  contenders.push_back(PARLEY_TRY(start_bare(run)));
  contenders.push_back(PARLEY_TRY(start_dynamic_security(run, shape.population)));
  contenders.push_back(PARLEY_TRY(start_parley(run, shape.population)));
  return saturate_in_turn(run, contenders, shape);
}

}  // namespace

void add_throughput(CLI::App& app, Chosen& chosen) {
  auto* command =
      app.add_subcommand("throughput", "Delivered messages per second, with all that Parley does for them");
  auto options = std::make_shared<Options>();
  options->load.add_to(*command);
  command->add_option("--only", options->only, "Start one contender alone, for a profiler")
      ->check(CLI::IsMember({"bare", "parley"}));
  command->footer(
      "Senders keep --window messages under way (closed loop). Bare senders publish to the topic the "
      "receivers\n"
      "read; Parley's publish to rooms/ROOM/send, and the plugin numbers, journals and delivers. Examples:\n"
      "  parley-bench throughput\n"
      "  parley-bench throughput --rooms 1000          every user in 1,000 rooms\n"
      "  parley-bench throughput --fanout 1000         one sender, 1,000 receivers\n"
      "  parley-bench --transport ws throughput --qos 0");
  command->final_callback([&chosen, options] {
    chosen = {"throughput", [options](Run& run) { return throughput(run, *options); }};
  });
}

void add_peer(CLI::App& app, Chosen& chosen) {
  auto* command = app.add_subcommand(
      "peer", "The same beside Mosquitto's dynamic-security plugin, with the same rooms and members");
  auto options = std::make_shared<LoadOptions>();
  options->add_to(*command);
  command->final_callback([&chosen, options] {
    chosen = {"peer", [options](Run& run) { return peer(run, *options); }};
  });
}

}  // namespace parley::bench
