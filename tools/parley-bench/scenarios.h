#pragma once
#include <CLI/CLI.hpp>
#include <string>

#include "tools/parley-bench/run.h"

namespace parley::bench {

// What the command line chose.
struct Chosen {
  std::string scenario;
  ScenarioBody body;
};

// Each adds its subcommand, which when given puts the scenario into `chosen`; both must outlive the parsing.
void add_throughput(CLI::App& app, Chosen& chosen);
void add_peer(CLI::App& app, Chosen& chosen);
void add_latency(CLI::App& app, Chosen& chosen);
void add_flood(CLI::App& app, Chosen& chosen);
void add_stall(CLI::App& app, Chosen& chosen);
void add_connect(CLI::App& app, Chosen& chosen);
void add_memory(CLI::App& app, Chosen& chosen);
void add_recovery(CLI::App& app, Chosen& chosen);
void add_acl(CLI::App& app, Chosen& chosen);
void add_store(CLI::App& app, Chosen& chosen);
void add_search(CLI::App& app, Chosen& chosen);
void add_rooms(CLI::App& app, Chosen& chosen);
void add_presence(CLI::App& app, Chosen& chosen);

}  // namespace parley::bench
