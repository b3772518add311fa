#pragma once
#include <chrono>
#include <filesystem>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "tools/parley-bench/mqtt_client.h"
#include "tools/parley-bench/processes.h"
#include "tools/parley-bench/report.h"

namespace parley::bench {

// The programs that are measured.
struct Programs {
  std::filesystem::path mosquitto = "mosquitto";
  std::filesystem::path mosquitto_passwd = "mosquitto_passwd";
  std::filesystem::path dynamic_security;  // Mosquitto's own plugin
  std::filesystem::path plugin;            // mosquitto_parley.so
  std::filesystem::path parleyd;
};

// By which listener clients come.
enum class Transport { tcp, ws, tls, wss };

inline const char* to_string(Transport transport) {
  constexpr const char* kNames[] = {"tcp", "ws", "tls", "wss"};
  return kNames[static_cast<std::size_t>(transport)];
}

// What every scenario is told.
struct Settings {
  Programs programs;
  unsigned rounds = 3;
  double seconds = 5;                     // of each measurement
  std::chrono::seconds time_limit{1800};  // of the whole run
  bool version5 = false;
  Transport transport = Transport::tcp;
  std::vector<std::string> broker_lines;    // more lines for every mosquitto.conf
  std::vector<std::string> plugin_options;  // KEY=VALUE
  bool json = false, keep = false, quiet = false;

  Version version() const { return version5 ? Version::v5 : Version::v3; }
  std::chrono::nanoseconds measured() const {
    return std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9));
  }
  // Before each measurement, not counted: a tenth of it, at most a second.
  std::chrono::nanoseconds warm_up() const {
    return std::min<std::chrono::nanoseconds>(measured() / 10, std::chrono::seconds(1));
  }
};

// One run of the program: what a scenario works with.
struct Run {
  const Settings& settings;
  std::filesystem::path folder;  // temporary
  Reactor& reactor;
  Report& report;
  SteadyTime deadline;

  // A line for whoever waits, on standard error.
  void say(std::string_view line) const {
    if (!settings.quiet) std::cerr << line << std::endl;
  }
  // unavailable when interrupted, timeout when the run's time is over.
  Result<> check() const {
    if (interrupted()) return fail(Errc::unavailable, "Interrupted.");
    if (std::chrono::steady_clock::now() > deadline)
      return fail(Errc::timeout, "The time limit of the run (--time-limit) is over.");
    return {};
  }
};

using ScenarioBody = std::function<Result<>(Run&)>;

}  // namespace parley::bench
