#include "tools/parley-bench/scenarios.h"
#include "tools/parley-bench/store_measures.h"
#include "tools/parley-bench/try.h"

namespace parley::bench {
namespace {

constexpr const char* kFooter =
    R"(parleyd's own feed consumer and stores, in this process; no broker is started. Each number stands beside the same
rows or the same page without them, by the database's C interface alone and in the same run:
  feed                   as the plugin's batches come in, against bare transactions of 3,000 rows
  storing, batches of N  N rows in each transaction; COPY, or prepared inserts with SQLite
  storing, N readers     against the store itself without readers; each reads a page every 20 ms
  page at depth D        the 50 messages before a place near D; 0 is the newest end of the room, 1 the oldest
With --store postgresql://… a database is made for each round, and dropped, by a role that may do so; its password
comes from PARLEY_STORE_PASSWORD or --store-password-file. Without it, SQLite files in the temporary folder.

Examples:
  parley-bench store --rows 100000 --history 0
  parley-bench store --store postgresql://postgres@127.0.0.1:5432/postgres --history 10000000)";

Result<> store(Run& run, const StoreOptions& options) {
  if (options.rows < options.shape.rooms)
    return fail(Errc::invalid_argument, "--rows: at least one for each of --rooms.");
  run.report.parameter("store", options.shape.store.url == "sqlite" ? "SQLite" : "PostgreSQL");
  run.report.parameter("rows", std::to_string(options.rows));
  run.report.parameter("rooms", std::to_string(options.shape.rooms));
  run.report.parameter("content bytes", std::to_string(options.shape.content_bytes));
  run.report.parameter("history rows", std::to_string(options.history_rows));
  PARLEY_TRY(measure_storing(run, options));
  if (options.history_rows > 0) PARLEY_TRY(measure_pages(run, options));
  run.report.note(options.shape.store.bare_is());
  return {};
}

void add_what(CLI::App& command, StoreOptions& options) {
  command.add_option("--rows", options.rows, "Messages stored in each measurement")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  command.add_option("--rooms", options.shape.rooms, "Rooms they are in")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command.add_option("--content", options.shape.content_bytes, "Bytes of a message's content")
      ->check(CLI::Range(12, 60'000))
      ->capture_default_str();
}

void add_how(CLI::App& command, StoreOptions& options) {
  command.add_option("--batch", options.batches, "Rows of one transaction; several may be given")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command
      .add_option("--readers", options.readers, "Readers of history beside storing; 0: this is not measured")
      ->check(CLI::Range(0, 500))
      ->capture_default_str();
  command
      .add_option("--history", options.history_rows, "Messages of the room whose pages are read; 0: none are")
      ->check(CLI::Range(0, 100'000'000))
      ->capture_default_str();
  command.add_option("--depth", options.depths, "How far back pages are read; several may be given")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
}

}  // namespace

void add_store_choice(CLI::App& command, StoreChoice& choice) {
  command.add_option("--store", choice.url, "sqlite, or postgresql://USER@HOST[:PORT]/DATABASE")
      ->type_name("URL")
      ->capture_default_str();
  command.add_option("--store-password-file", choice.password_file, "Its password")->type_name("FILE");
}

void add_store(CLI::App& app, Chosen& chosen) {
  auto* command = app.add_subcommand("store", "Rows stored per second, and the time of a page of history");
  auto options = std::make_shared<StoreOptions>();
  add_store_choice(*command, options->shape.store);
  add_what(*command, *options);
  add_how(*command, *options);
  command->footer(kFooter);
  command->final_callback([&chosen, options] {
    options->shape.threads = options->readers + 4;
    chosen = {"store", [options](Run& run) { return store(run, *options); }};
  });
}

}  // namespace parley::bench
