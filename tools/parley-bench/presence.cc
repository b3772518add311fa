#include "tools/parley-bench/fleet.h"
#include "tools/parley-bench/population.h"
#include "tools/parley-bench/scenarios.h"
#include "tools/parley-bench/try.h"

namespace parley::bench {
namespace {

constexpr const char* kFooter =
    R"(What it costs that members of a room see who is there, by the room's size. All members connect and listen to the
room's presence and state; then some of them, one after the other, say that they are away:
  everybody comes    messages that all members together get until it is quiet, and processor time (broker and
                     parleyd) for each member; this grows with the square of the room, up to presence.room_max
  one is away        the same for each change, and how long after it the last member was told
In rooms above presence.room_max (500; the administrator is in it, too) members get counts instead.

Examples:
  parley-bench presence
  parley-bench presence --members 50 --members 2000 --changes 5)";

struct PresenceOptions {
  std::vector<std::size_t> members{10, 100, 499, 1000};
  std::size_t changes = 10;
};

// Counts what the members are told.
class Told final : public ConnectionHandler {
 public:
  std::size_t messages() const { return messages_; }
  SteadyTime last() const { return last_; }

  // Until nothing came for `quiet`. timeout: something always does.
  Result<> until_quiet(Run& run, std::chrono::milliseconds quiet) {
    const auto begin = std::chrono::steady_clock::now();
    last_ = begin;
    while (std::chrono::steady_clock::now() - last_ < quiet) {
      PARLEY_TRY(run.reactor.poll(std::chrono::milliseconds(20)));
      PARLEY_TRY(run.check());
      if (std::chrono::steady_clock::now() - begin > std::chrono::minutes(2))
        return fail(Errc::timeout, "Members are told of presence without end.");
    }
    return {};
  }

 private:
  void delivered(Connection&, const Publish&) override {
    ++messages_;
    last_ = std::chrono::steady_clock::now();
  }
  std::size_t messages_ = 0;
  SteadyTime last_{};
};

class Room {
 public:
  static Result<std::unique_ptr<Room>> make(Run& run, std::size_t members) {
    auto server = PARLEY_TRY(ParleyServer::start(run, run.folder / ("presence-" + std::to_string(members))));
    auto room = std::make_unique<Room>(run, std::move(server));
    room->logins_ = PARLEY_TRY(create_users(room->server_, 0, members));
    PARLEY_TRY(create_rooms(room->server_, 1, members));
    return room;
  }
  Room(Run& run, ParleyServer server) : run_(run), server_(std::move(server)), fleet_(run, &told_) {}

  Result<> everybody_comes() {
    const auto cpu = cpu_seconds();
    std::vector<FleetMember> members;
    for (const auto& login : logins_) {
      const auto room = "rooms/" + room_name(0);
      members.push_back({.login = login, .session = {}, .filters = {room + "/presence/+", room + "/state"}});
    }
    PARLEY_TRY(fleet_.join(server_.broker().endpoint(run_.settings.version()), std::move(members)));
    PARLEY_TRY(told_.until_quiet(run_, kQuiet));
    report("everybody comes", "messages", static_cast<double>(told_.messages()));
    report("everybody comes, each", "cpu ms",
           1e3 * (cpu_seconds() - cpu) / static_cast<double>(logins_.size()));
    return {};
  }

  Result<> some_go_away(std::size_t changes) {
    changes = std::min(changes, logins_.size());
    const auto cpu = cpu_seconds();
    const auto before = told_.messages();
    Rounds until_told;
    for (std::size_t i = 0; i < changes; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      const auto& login = logins_[i];
      fleet_[i].publish("users/" + login.user + "/devices/" + login.client_id + "/status",
                        R"({"status":"away"})", 1, 1);
      PARLEY_TRY(told_.until_quiet(run_, kQuiet));
      until_told.add(std::chrono::duration<double, std::milli>(told_.last() - begin).count());
    }
    const auto each = static_cast<double>(changes);
    report("one is away", "messages", static_cast<double>(told_.messages() - before) / each);
    report("one is away, each", "cpu ms", 1e3 * (cpu_seconds() - cpu) / each);
    report("one is away, the last is told after", "ms", until_told.median());
    return fleet_.leave();
  }

 private:
  static constexpr std::chrono::milliseconds kQuiet{3000};

  double cpu_seconds() { return server_.broker().process().cpu_seconds() + server_.parleyd().cpu_seconds(); }
  void report(std::string_view measure, std::string_view unit, double value) {
    run_.report.add(measure, unit, std::to_string(logins_.size()) + " members", value);
  }

  Run& run_;
  ParleyServer server_;
  std::vector<Login> logins_;
  Told told_;
  Fleet fleet_;
};

Result<> presence(Run& run, const PresenceOptions& options) {
  run.report.set_baseline("");
  run.report.parameter("changes", std::to_string(options.changes));
  for (unsigned round = 1; round <= run.settings.rounds; ++round) {
    for (const auto members : options.members) {
      run.say("round " + std::to_string(round) + ", a room of " + std::to_string(members));
      auto room = PARLEY_TRY(Room::make(run, members));
      PARLEY_TRY(room->everybody_comes());
      PARLEY_TRY(room->some_go_away(options.changes));
    }
  }
  return {};
}

}  // namespace

void add_presence(CLI::App& app, Chosen& chosen) {
  auto* command =
      app.add_subcommand("presence", "What it costs that members see who is there, as rooms grow");
  auto options = std::make_shared<PresenceOptions>();
  command->add_option("--members", options->members, "Members of the room; several may be given")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command->add_option("--changes", options->changes, "How many of them go away, one after the other")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->footer(kFooter);
  command->final_callback([&chosen, options] {
    chosen = {"presence", [options](Run& run) { return presence(run, *options); }};
  });
}

}  // namespace parley::bench
