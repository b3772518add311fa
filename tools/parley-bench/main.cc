#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "tools/parley-bench/scenarios.h"

namespace {

using namespace parley;
using namespace parley::bench;

constexpr const char* kFooter =
    R"(What is measured is started by this program, beside a bare Mosquitto with the same configuration, in a temporary
folder and on free ports of 127.0.0.1; all of it is ended and removed when it is done. Contenders take turns, round
after round; the table shows the median, minimum and maximum of the rounds, and the median divided by the bare one's.

Plugin and parleyd are taken from this program's own build folder. Build it for release before you believe a number:
  cmake --preset release && cmake --build --preset release
  build/release/bin/parley-bench throughput
  build/release/bin/parley-bench latency --rate 1000 --rate 5000 --seconds 10
  build/release/bin/parley-bench recovery --large
  build/release/bin/parley-bench --json connect
  build/release/bin/parley-bench --transport wss latency
The load generator is one thread beside broker and parleyd: leave the machine alone meanwhile.
Exit codes: 0 done, 1 a measurement failed (why is said), 2 usage.

`parley-bench SCENARIO --help` tells more of each.)";

// The first of these that exists; empty when none does.
std::filesystem::path first_of(const std::vector<std::filesystem::path>& paths) {
  std::error_code ec;
  for (const auto& path : paths)
    if (std::filesystem::exists(path, ec)) return path;
  return {};
}

// bin/parley-bench stands in the build folder.
void find_programs(Programs& programs, std::filesystem::path build) {
  std::error_code ec;
  if (build.empty()) build = std::filesystem::read_symlink("/proc/self/exe", ec).parent_path().parent_path();
  if (programs.plugin.empty()) programs.plugin = build / "lib" / "mosquitto_parley.so";
  if (programs.parleyd.empty()) programs.parleyd = build / "bin" / "parleyd";
  if (programs.dynamic_security.empty()) {
    programs.dynamic_security = first_of({"/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so",
                                          "/usr/lib/aarch64-linux-gnu/mosquitto_dynamic_security.so",
                                          "/usr/lib/mosquitto_dynamic_security.so"});
  }
  if (programs.mosquitto == "mosquitto") {  // /usr/sbin is not in every user's PATH
    if (auto found = first_of({"/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"}); !found.empty())
      programs.mosquitto = found;
  }
}

void add_settings(CLI::App& app, Settings& settings, std::filesystem::path& build) {
  auto& programs = settings.programs;
  app.add_option("--rounds", settings.rounds, "How often each contender is measured")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--seconds", settings.seconds, "Length of one measurement")
      ->check(CLI::Range(0.01, 3600.0))
      ->capture_default_str();
  app.add_option_function<unsigned>(
         "--time-limit", [&settings](unsigned s) { settings.time_limit = std::chrono::seconds(s); },
         "Seconds after which the run is given up [1800]")
      ->check(CLI::Range(1, 86'400));
  app.add_flag("--v5", settings.version5, "MQTT 5 instead of 3.1.1");
  app.add_option("--transport", settings.transport,
                 "Of all clients: tcp, ws, tls or wss (TLS 1.3, EC key, no resumption)")
      ->transform(CLI::CheckedTransformer(std::map<std::string, Transport>{{"tcp", Transport::tcp},
                                                                           {"ws", Transport::ws},
                                                                           {"tls", Transport::tls},
                                                                           {"wss", Transport::wss}})
                      .description(""))
      ->type_name("NAME")
      ->default_str("tcp");
  app.add_flag("--json", settings.json, "One JSON object instead of the table");
  app.add_flag("--quiet", settings.quiet, "No word of progress on standard error");
  app.add_flag("--keep", settings.keep, "Leave the temporary folder (logs, databases) and say where it is");
  app.add_option("--build", build,
                 "Build folder with lib/mosquitto_parley.so and bin/parleyd [this program's]")
      ->type_name("DIR");
  app.add_option("--plugin", programs.plugin, "Another mosquitto_parley.so")->type_name("FILE");
  app.add_option("--parleyd", programs.parleyd, "Another parleyd")->type_name("FILE");
  app.add_option("--mosquitto", programs.mosquitto, "Another mosquitto")->type_name("FILE");
  app.add_option("--dynamic-security", programs.dynamic_security, "Where Mosquitto's own plugin is")
      ->type_name("FILE");
  app.add_option("--plugin-opt", settings.plugin_options, "Option of Parley's plugin; several may be given")
      ->type_name("KEY=VALUE");
  app.add_option("--mosquitto-conf", settings.broker_lines,
                 "A line for every mosquitto.conf; several may be given")
      ->type_name("LINE");
}

// A thousand connections are more than a shell's usual limit.
void allow_many_files() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// What else the machine was doing; a busy one gives numbers that mean little.
void note_machine(Report& report) {
  double load = 0;
  const auto cores = std::max(1u, std::thread::hardware_concurrency());
  if (::getloadavg(&load, 1) != 1) return;
  report.note("Machine: " + std::to_string(cores) + " cores, load average " + format_number(load) +
              " at the beginning" +
              (load > 0.5 * cores ? ": others were at work, so measure again when it is quiet." : "."));
}

Result<> measure(const Settings& settings, const Chosen& chosen, Report& report) {
  auto folder = TempFolder::make(settings.keep);
  if (!folder) return std::unexpected(folder.error());
  if (settings.keep) std::cerr << "Logs and data are in " << folder->path().string() << std::endl;
  auto reactor = Reactor::make();
  if (!reactor) return std::unexpected(reactor.error());
  Run run{settings, folder->path(), **reactor, report,
          std::chrono::steady_clock::now() + settings.time_limit};
  return chosen.body(run);
}

int run(int argc, char** argv) {
  CLI::App app{"Measures Parley beside a bare Mosquitto.", "parley-bench"};
  Settings settings;
  std::filesystem::path build;
  Chosen chosen;
  app.set_version_flag("--version", "parley-bench " PARLEY_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(kFooter);
  add_settings(app, settings, build);
  for (auto* add : {add_throughput, add_latency, add_connect, add_store, add_search, add_rooms, add_presence,
                    add_acl, add_memory, add_recovery, add_stall, add_flood, add_peer})
    add(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e, std::cout, std::cerr) == 0 ? 0 : 2;
  }
  find_programs(settings.programs, build);
  watch_interrupts();
  allow_many_files();
  Report report(chosen.scenario);
  note_machine(report);
  report.parameter("transport", to_string(settings.transport));
  if (auto done = measure(settings, chosen, report); !done) {
    std::cerr << "error: " << done.error().message << '\n';
    return 1;
  }
  std::cout << (settings.json ? report.json().dump() + "\n" : report.table()) << std::flush;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::cerr << "error: internal: " << e.what() << '\n';
    return 1;
  }
}
