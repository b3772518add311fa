#pragma once
#include <CLI/CLI.hpp>
#include <cstddef>
#include <memory>

#include "tools/parley-bench/load.h"

namespace parley::bench {

// The options that throughput, peer and latency share.
struct LoadOptions {
  LoadShape shape;
  std::size_t fanout = 0;  // 0: not given

  // Options of `command`; this must outlive the parsing.
  void add_to(CLI::App& command);
  // What they mean together. invalid_argument says what can't be.
  Result<LoadShape> resolve() const;
};

}  // namespace parley::bench
