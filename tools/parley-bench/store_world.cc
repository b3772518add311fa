#include "tools/parley-bench/store_world.h"

#include "tools/parley-bench/contender.h"
#include "tools/parley-bench/try.h"

namespace parley::bench {

Result<std::unique_ptr<StoreWorld>> StoreWorld::make(const StoreShape& shape,
                                                     const std::filesystem::path& folder) {
  std::unique_ptr<StoreWorld> world(new StoreWorld);
  PARLEY_TRY(world->open(shape, folder));
  return world;
}

Result<> StoreWorld::open(const StoreShape& shape, const std::filesystem::path& folder) {
  target_ = PARLEY_TRY(make_store_target(shape.store, folder));
  stores_ = PARLEY_TRY(target_->open_stores(clock_, shape.threads));
  bare_ = PARLEY_TRY(target_->open_bare());
  PARLEY_TRY(stores_.users->create({.name = user_name(0), .title = "", .admin = false, .scram = ""}));
  for (std::size_t i = 0; i < shape.rooms; ++i) {
    auto made = PARLEY_TRY(stores_.rooms->create(
        {.name = room_name(i), .title = "", .members = {{user_name(0), wire::Role::owner}}}));
    rooms_.push_back({made.value.id, made.value.name});
  }
  source_ = std::make_unique<RecordSource>(rooms_, shape.said.value_or(said_of_size(shape.content_bytes)));
  return stores_.messages->begin(kGeneration, "bench", 0);
}

Feed StoreWorld::next(std::size_t count) {
  Feed feed{.batches = make_batches(*source_, count, kGeneration, offset_), .from = offset_};
  offset_ = feed.batches.end;
  for (const auto& payload : feed.batches.payloads)
    std::ranges::move(records_of(payload), std::back_inserter(feed.records));
  return feed;
}

Result<> StoreWorld::store(const Feed& feed, std::size_t batch) {
  auto at = feed.from;
  return in_parts(feed.records, batch, [&](std::span<const wire::Record> part) -> Result<> {
    auto to = at;
    for (const auto& record : part) to += wire::record_size(record);
    const auto outcome = PARLEY_TRY(messages().store(kGeneration, at, to, part));
    if (outcome.stored != part.size()) return fail(Errc::internal, "Not all rows were stored.");
    at = to;
    return {};
  });
}

Result<> StoreWorld::fill(const Run& run, std::size_t rows) {
  constexpr std::size_t kAtOnce = 20'000, kBatch = 5000;
  for (std::size_t done = 0; done < rows;) {
    PARLEY_TRY(run.check());
    if (done % 1'000'000 == 0)
      run.say("storing: " + format_number(static_cast<double>(done)) + " messages of " +
              format_number(static_cast<double>(rows)));
    const auto feed = next(std::min(kAtOnce, rows - done));
    PARLEY_TRY(store(feed, kBatch));
    done += feed.records.size();
  }
  return {};
}

}  // namespace parley::bench
