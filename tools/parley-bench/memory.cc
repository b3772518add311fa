#include "tools/parley-bench/contender.h"
#include "tools/parley-bench/fleet.h"
#include "tools/parley-bench/load.h"
#include "tools/parley-bench/population.h"
#include "tools/parley-bench/prepared_data.h"
#include "tools/parley-bench/saturation.h"
#include "tools/parley-bench/scenarios.h"
#include "tools/parley-bench/try.h"

namespace parley::bench {
namespace {

struct Options {
  std::size_t connections = 1000;
  std::size_t rooms = 100'000;
  std::size_t memberships = 1'000'000;
  std::size_t queued = 50'000;
};

double anonymous(Broker& broker) {
  return static_cast<double>(broker.process().memory().anonymous);
}

// Bytes of the broker's own memory that each of `count` connections takes.
Result<double> per_connection(Run& run, Contender& contender, std::size_t count) {
  std::vector<FleetMember> members;
  for (std::size_t i = 0; i < count; ++i) {
    auto login = contender.login(0);
    login.client_id = "bench-" + std::to_string(i);
    members.push_back({.login = login, .session = {.keepalive_s = 3600}});
  }
  const double before = anonymous(contender.broker());
  Fleet fleet(run, nullptr);
  PARLEY_TRY(fleet.join(contender.broker().endpoint(run.settings.version()), std::move(members)));
  const double after = anonymous(contender.broker());
  PARLEY_TRY(fleet.leave());
  return (after - before) / static_cast<double>(count);
}

// Publishes `count` messages of one sender to room 0 and returns when all are acknowledged.
class Filler final : public ConnectionHandler {
 public:
  Filler(Run& run, Contender& contender) : run_(run), contender_(contender), fleet_(run, this) {}

  Result<> send(std::size_t count) {
    constexpr std::size_t kWindow = 20;
    const auto topic = contender_.send_topic(0);
    const std::string content = R"({"text":")" + std::string(89, 'x') + R"("})";
    PARLEY_TRY(
        fleet_.join(contender_.broker().endpoint(run_.settings.version()), {{.login = contender_.login(0)}}));
    for (std::size_t sent = 0; acknowledged_ < count;) {
      for (; sent < count && sent - acknowledged_ < kWindow; ++sent)
        fleet_[0].publish(topic, content, 1, static_cast<std::uint16_t>(sent % 65'535 + 1));
      PARLEY_TRY(run_.reactor.poll(std::chrono::milliseconds(10)));
      PARLEY_TRY(fleet_.check());
      PARLEY_TRY(run_.check());
    }
    return fleet_.leave();
  }

 private:
  void acknowledged(Connection&, const Ack&) override { ++acknowledged_; }

  Run& run_;
  Contender& contender_;
  Fleet fleet_;
  std::size_t acknowledged_ = 0;
};

// Bytes that each message takes that waits for a sleeping session of user 1.
Result<double> per_queued_message(Run& run, Contender& contender, std::size_t count) {
  Fleet sleeper(run, nullptr);
  PARLEY_TRY(sleeper.join(contender.broker().endpoint(run.settings.version()),
                          {{.login = contender.login(1),
                            .session = {.clean = false, .expiry_s = 3600},
                            .filters = {contender.read_topic(0)}}}));
  PARLEY_TRY(sleeper.leave());
  const double before = anonymous(contender.broker());
  Filler filler(run, contender);
  PARLEY_TRY(filler.send(count));
  return (anonymous(contender.broker()) - before) / static_cast<double>(count);
}

Result<> measure_live(Run& run, std::unique_ptr<Contender> contender, const Options& options) {
  run.report.add("a connection", "bytes", contender->name(),
                 PARLEY_TRY(per_connection(run, *contender, options.connections)));
  run.report.add("a queued message", "bytes", contender->name(),
                 PARLEY_TRY(per_queued_message(run, *contender, options.queued)));
  if (auto* parley = contender->parley())
    run.report.add("parleyd", "bytes resident", contender->name(),
                   static_cast<double>(parley->parleyd().memory().resident));
  return {};
}

// The broker's own memory, just started over a folder that holds this.
Result<double> memory_with(Run& run, const PreparedData& data, const std::string& name) {
  const auto folder = run.folder / name;
  auto broker = PARLEY_TRY(ParleyServer::prepare_broker(run, folder));
  PARLEY_TRY(prepare_data(run, ParleyServer::plugin_data(folder), data));
  PARLEY_TRY(broker.start());
  const double bytes = anonymous(broker);
  broker.stop();
  std::error_code ec;
  std::filesystem::remove_all(folder, ec);
  return bytes;
}

Result<> measure_directory(Run& run, const Options& options) {
  const auto users = std::max<std::size_t>(1000, options.memberships / options.rooms + 1);
  const double with_users = PARLEY_TRY(memory_with(run, {.users = users}, "users"));
  const double with_rooms = PARLEY_TRY(memory_with(run, {.users = users, .rooms = options.rooms}, "rooms"));
  const double with_members = PARLEY_TRY(
      memory_with(run, {.users = users, .rooms = options.rooms, .members = options.memberships}, "members"));
  run.report.add("a room", "bytes", "parley", (with_rooms - with_users) / static_cast<double>(options.rooms));
  run.report.add("a membership", "bytes", "parley",
                 (with_members - with_rooms) / static_cast<double>(options.memberships));
  return {};
}

Result<> memory(Run& run, const Options& options) {
  run.report.parameter("connections", std::to_string(options.connections));
  run.report.parameter("rooms", std::to_string(options.rooms));
  run.report.parameter("memberships", std::to_string(options.memberships));
  run.report.parameter("queued", std::to_string(options.queued));
  for (unsigned round = 1; round <= run.settings.rounds; ++round) {
    run.say("round " + std::to_string(round) + " of " + std::to_string(run.settings.rounds));
    PARLEY_TRY(measure_live(run, PARLEY_TRY(start_bare(run)), options));
    auto parley = PARLEY_TRY(
        start_parley(run, {.senders = 1, .receivers = 1, .rooms = 1}, {"client_ids_per_user 100000"}));
    PARLEY_TRY(measure_live(run, std::move(parley), options));
    PARLEY_TRY(measure_directory(run, options));
    std::error_code ec;
    std::filesystem::remove_all(run.folder / "bare", ec);
    std::filesystem::remove_all(run.folder / "parley", ec);
  }
  run.report.note(
      "Differences of the broker's anonymous memory; the journal's mapped files are not in them.");
  return {};
}

}  // namespace

void add_memory(CLI::App& app, Chosen& chosen) {
  auto* command =
      app.add_subcommand("memory", "Memory of a connection, a room, a membership, a queued message");
  auto options = std::make_shared<Options>();
  command->add_option("--connections", options->connections, "Connections held open")
      ->check(CLI::Range(1, 15'000))
      ->capture_default_str();
  command->add_option("--rooms", options->rooms, "Rooms loaded")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  command->add_option("--memberships", options->memberships, "Memberships loaded")
      ->check(CLI::Range(1, 100'000'000))
      ->capture_default_str();
  command->add_option("--queued", options->queued, "Messages queued for a sleeping session")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command->final_callback([&chosen, options] {
    chosen = {"memory", [options](Run& run) { return memory(run, *options); }};
  });
}

}  // namespace parley::bench
