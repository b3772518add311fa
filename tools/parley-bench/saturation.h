#pragma once
#include <memory>
#include <string>
#include <vector>

#include "tools/parley-bench/contender.h"
#include "tools/parley-bench/load.h"

namespace parley::bench {

// Processor time and memory of a contender's processes, and of this one, around a measurement.
class Usage {
 public:
  explicit Usage(Contender& contender) : contender_(contender) {}
  void begin();
  void end();
  // Adds the rows. Processor time for each of `messages` is what other work on the machine falsifies least.
  void tell(Report& report, std::uint64_t messages) const;

 private:
  struct Reading {
    double broker_cpu = 0, backend_cpu = 0, generator_cpu = 0;
    SteadyTime at{};
  };
  Reading read() const;

  Contender& contender_;
  Reading begin_, end_;
};

// Counts what a Parley contender's backend stores while a load runs. Others store nothing.
class StoredCount {
 public:
  // Waits until nothing more is being stored.
  static Result<StoredCount> begin(Contender& contender);
  // Waits until `sent` more are stored and adds the row "stored end to end": rows a second from the load's beginning
  // to the last one stored. timeout: some never were.
  Result<> finish(std::uint64_t sent, SteadyTime load_began, Report& report) const;

 private:
  StoredCount(ParleyServer* server, std::uint64_t before) : server_(server), before_(before) {}
  ParleyServer* server_;
  std::uint64_t before_;
};

using Contenders = std::vector<std::unique_ptr<Contender>>;

// Every contender in turn, round after round: delivered messages a second, and what it took.
Result<> saturate_in_turn(Run& run, Contenders& contenders, const LoadShape& shape);

// The shape as parameters of the report.
void describe(const LoadShape& shape, const Settings& settings, Report& report);

}  // namespace parley::bench
