#pragma once
#include <chrono>
#include <string>

#include "tools/parley-bench/run.h"
#include "tools/parley-bench/try.h"

namespace parley::bench {

// Does `work` so many times, one after the other, and reports the median and the slowest in `unit`, "us" or "ms".
template <class Work>
Result<> measure_each(Run& run, const std::string& measure, const std::string& unit, int times, Work work) {
  Rounds took;
  for (int i = 0; i < times; ++i) {
    PARLEY_TRY(run.check());
    const auto begin = std::chrono::steady_clock::now();
    PARLEY_TRY(work());
    const std::chrono::duration<double, std::micro> us = std::chrono::steady_clock::now() - begin;
    took.add(unit == "ms" ? us.count() / 1000 : us.count());
  }
  run.report.add(measure, unit, "median", took.median());
  run.report.add(measure, unit, "slowest", took.max());
  return {};
}

}  // namespace parley::bench
