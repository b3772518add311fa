#pragma once
#include <CLI/CLI.hpp>
#include <vector>

#include "tools/parley-bench/store_world.h"

namespace parley::bench {

// What `parley-bench store` is asked for.
struct StoreOptions {
  StoreShape shape;
  std::size_t rows = 200'000;
  std::vector<std::size_t> batches{500, 4000};
  std::size_t readers = 20;
  std::size_t history_rows = 1'000'000;
  std::vector<double> depths{0, 0.1, 0.5, 0.9, 0.999};
};

// Options of every scenario that measures stores.
void add_store_choice(CLI::App& command, StoreChoice& choice);

// Rows a second, into a new database in each round: through parleyd's own feed consumer, in batches of each size,
// and beside readers.
Result<> measure_storing(Run& run, const StoreOptions& options);
// Pages from one room of history_rows messages.
Result<> measure_pages(Run& run, const StoreOptions& options);

}  // namespace parley::bench
