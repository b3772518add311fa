#include <random>

#include "tools/parley-bench/store_measures.h"
#include "tools/parley-bench/try.h"

namespace parley::bench {
namespace {

constexpr int kPagesARound = 200;

template <class Work>
Result<double> microseconds(Work work) {
  const auto begin = std::chrono::steady_clock::now();
  const auto bytes = PARLEY_TRY(work());
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
  if (bytes == 0) return fail(Errc::internal, "A page was empty.");
  return took.count();
}

struct Pair {
  Rounds bare, parley;
};

// Pages near `newest`, each from a place of its own, bare and through the store in turn, either first as often as
// the other.
Result<Pair> time_pages(StoreWorld& world, std::uint64_t newest, std::mt19937_64& random) {
  const auto near = std::max<std::uint64_t>(1, newest / 100);
  auto bare = [&] { return world.bare().read_page(world.room(0), newest - random() % near + 1); };
  auto ours = [&]() -> Result<std::size_t> {
    const auto page = PARLEY_TRY(world.messages().page(
        {.room_id = world.room(0), .before = newest - random() % near + 1, .limit = kPageRows}));
    return page.envelopes.size();
  };
  Pair times;
  for (int i = 0; i < kPagesARound; ++i) {
    if (i % 2 == 0) times.bare.add(PARLEY_TRY(microseconds(bare)));
    times.parley.add(PARLEY_TRY(microseconds(ours)));
    if (i % 2 != 0) times.bare.add(PARLEY_TRY(microseconds(bare)));
  }
  return times;
}

std::string depth_name(double depth) {
  return "page at depth " + format_number(depth);
}

}  // namespace

Result<> measure_pages(Run& run, const StoreOptions& options) {
  auto shape = options.shape;
  shape.rooms = 1;
  auto world = PARLEY_TRY(StoreWorld::make(shape, run.folder / "pages"));
  PARLEY_TRY(world->fill(run, options.history_rows));
  PARLEY_TRY(world->settle());
  std::mt19937_64 random(options.history_rows);
  for (unsigned round = 1; round <= run.settings.rounds; ++round) {
    run.say("pages, round " + std::to_string(round));
    for (const double depth : options.depths) {
      PARLEY_TRY(run.check());
      const auto newest =
          static_cast<std::uint64_t>(std::max(1.0, static_cast<double>(options.history_rows) * (1 - depth)));
      const auto times = PARLEY_TRY(time_pages(*world, newest, random));
      run.report.add(depth_name(depth), "us", Report::kBare, times.bare.median());
      run.report.add(depth_name(depth), "us", "parley", times.parley.median());
    }
  }
  return {};
}

}  // namespace parley::bench
