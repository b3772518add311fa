#include "tools/parley-bench/contender.h"
#include "tools/parley-bench/measure_each.h"
#include "tools/parley-bench/scenarios.h"
#include "tools/parley-bench/store_measures.h"
#include "tools/parley-bench/try.h"

namespace parley::bench {
namespace {

constexpr int kPagesARound = 20;

constexpr const char* kFooter =
    R"(What a request `rooms` asks of the database for somebody with many rooms, each with its counters and its last message:
parleyd's own stores, in this process. Half of what was said is unread. The times are milliseconds: the median and
the slowest of 20 pages in each round; "rooms alone" is the page without counters and last messages.

Example:
  parley-bench rooms --rooms 1000 --messages 1000000)";

struct RoomsOptions {
  StoreShape shape{.store = {}, .rooms = 1000, .content_bytes = 100, .said = {}, .threads = 4};
  std::size_t messages = 100'000;
};

Result<std::vector<backend::RoomOfUser>> rooms_of(StoreWorld& world, const RoomsOptions& options) {
  auto rooms = PARLEY_TRY(world.stores().rooms->list(
      {.user = user_name(0), .after = "", .limit = static_cast<std::uint32_t>(options.shape.rooms)}));
  if (rooms.size() != options.shape.rooms) return fail(Errc::internal, "A page did not have all rooms.");
  return rooms;
}

// Everything else was said by others, so that it counts as unread.
Result<> read_half(StoreWorld& world, const RoomsOptions& options) {
  std::vector<backend::MarkRaise> raises;
  for (const auto& item : PARLEY_TRY(rooms_of(world, options)))
    raises.push_back({.room_id = item.room.id,
                      .user = user_name(0),
                      .to = {item.room.last_seq / 2, item.room.last_seq / 2}});
  PARLEY_TRY(world.stores().marks->raise(raises));
  return world.settle();
}

Result<> overview(StoreWorld& world, const RoomsOptions& options, std::uint64_t expected) {
  backend::UnreadQuery query{.user = user_name(0), .user_key = user_name(0)};
  for (const auto& item : PARLEY_TRY(rooms_of(world, options)))
    query.rooms.push_back(
        {.room_id = item.room.id, .read = item.marks.read, .last_message = item.room.last_message});
  std::uint64_t unread = 0;
  for (const auto& room : PARLEY_TRY(world.stores().unread->unread(query))) unread += room.messages;
  if (unread < expected) return fail(Errc::internal, "Too few messages were unread.");
  return {};
}

Result<> measure(Run& run, RoomsOptions options) {
  if (options.messages < 2 * options.shape.rooms)
    return fail(Errc::invalid_argument, "--messages: at least two for each of --rooms.");
  options.shape.said = said_of_size(options.shape.content_bytes);
  options.shape.said->senders = 100;
  run.report.set_baseline("");
  run.report.parameter("store", options.shape.store.url == "sqlite" ? "SQLite" : "PostgreSQL");
  run.report.parameter("rooms", std::to_string(options.shape.rooms));
  run.report.parameter("messages", std::to_string(options.messages));
  auto world = PARLEY_TRY(StoreWorld::make(options.shape, run.folder / "rooms"));
  PARLEY_TRY(world->fill(run, options.messages));
  PARLEY_TRY(read_half(*world, options));
  for (unsigned round = 1; round <= run.settings.rounds; ++round) {
    run.say("rooms, round " + std::to_string(round));
    PARLEY_TRY(measure_each(run, "rooms alone", "ms", kPagesARound, [&]() -> Result<> {
      PARLEY_TRY(rooms_of(*world, options));
      return {};
    }));
    PARLEY_TRY(measure_each(run, "with counters", "ms", kPagesARound,
                            [&] { return overview(*world, options, options.messages / 4); }));
  }
  return {};
}

}  // namespace

void add_rooms(CLI::App& app, Chosen& chosen) {
  auto* command =
      app.add_subcommand("rooms", "The time of an overview of a thousand rooms, with what is unread");
  auto options = std::make_shared<RoomsOptions>();
  add_store_choice(*command, options->shape.store);
  command->add_option("--rooms", options->shape.rooms, "Rooms of the user")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--messages", options->messages, "Messages in all of them together")
      ->check(CLI::Range(2, 100'000'000))
      ->capture_default_str();
  command->add_option("--content", options->shape.content_bytes, "Bytes of a message's content")
      ->check(CLI::Range(12, 60'000))
      ->capture_default_str();
  command->footer(kFooter);
  command->final_callback([&chosen, options] {
    chosen = {"rooms", [options](Run& run) { return measure(run, *options); }};
  });
}

}  // namespace parley::bench
