#include "plugin/acl/acl.h"

#include <ctime>
#include <random>

#include "plugin/directory/directory.h"
#include "tools/parley-bench/contender.h"
#include "tools/parley-bench/prepared_data.h"
#include "tools/parley-bench/scenarios.h"
#include "tools/parley-bench/try.h"

namespace parley::bench {
namespace {

struct Options {
  std::vector<std::size_t> memberships{10'000, 1'000'000, 10'000'000};
};

constexpr std::ptrdiff_t kWarm = 100;  // questions at once: they stay in the first-level cache
constexpr std::size_t kQuestions = 1000 * kWarm;

// Users and rooms enough for `count` memberships of a hundred rooms a user.
PreparedData world_of(std::size_t count) {
  constexpr std::size_t kRoomsOfAUser = 100;
  const auto users = std::max<std::size_t>(1, count / kRoomsOfAUser);
  return {.users = users, .rooms = std::max(users, kRoomsOfAUser), .members = count};
}

struct Question {
  std::string user, topic;
};

// Random members and their rooms, or strangers to them.
std::vector<Question> questions(const PreparedData& world, bool member) {
  std::mt19937_64 random(1);
  std::vector<Question> all;
  for (std::size_t i = 0; i < kQuestions; ++i) {
    const auto who = membership(world, random() % world.members);
    const auto user = member ? user_name(who.user) : "stranger" + std::to_string(i);
    all.push_back({user, "rooms/" + room_name(who.room) + "/messages"});
  }
  return all;
}

// Of this thread: what others do on the machine does not count.
std::chrono::nanoseconds processor_time() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

std::size_t count_wrong(const plugin::Directory& directory, const std::vector<Question>& questions,
                        plugin::AclDecision right) {
  std::size_t wrong = 0;
  for (const auto& question : questions) {
    const auto decision = plugin::decide(
        directory,
        {.access = plugin::Access::read, .user = question.user, .topic = question.topic, .device = "bench"});
    wrong += decision != right;
  }
  return wrong;
}

// Mean nanoseconds of one decision. The Directory is as cold as its size makes it; the questions are as warm as a
// message just read. internal: a decision was not the right one.
Result<double> time_decisions(const plugin::Directory& directory, const std::vector<Question>& questions,
                              plugin::AclDecision right) {
  std::size_t wrong = 0;
  std::chrono::nanoseconds took{0};
  for (auto at = questions.begin(); at != questions.end(); at += kWarm) {
    const std::vector<Question> warm(at, at + kWarm);
    const auto begin = processor_time();
    wrong += count_wrong(directory, warm, right);
    took += processor_time() - begin;
  }
  if (wrong > 0) return fail(Errc::internal, std::to_string(wrong) + " decisions were wrong.");
  return static_cast<double>(took.count()) / static_cast<double>(questions.size());
}

Result<std::unique_ptr<plugin::Directory>> load(const PreparedData& world) {
  auto directory = std::make_unique<plugin::Directory>();
  plugin::Effects effects;
  const TakeChanges take = [&](std::span<const wire::DirectoryChange> changes) -> Result<> {
    for (const auto& change : changes) PARLEY_TRY(directory->apply(change, effects));
    effects.clear();
    return {};
  };
  PARLEY_TRY(make_directory(world, take));
  return directory;
}

Result<> measure(Run& run, std::size_t memberships) {
  auto world = world_of(memberships);
  run.say("loading " + format_number(static_cast<double>(memberships)) + " memberships");
  const auto directory = PARLEY_TRY(load(world));
  auto empty_world = world;
  empty_world.members = 0;
  const auto without = PARLEY_TRY(load(empty_world))->memory_bytes();
  const auto name = format_number(static_cast<double>(memberships)) + " memberships";
  run.report.add("bytes per membership", "", name,
                 static_cast<double>(directory->memory_bytes() - without) / static_cast<double>(memberships));
  const auto members = questions(world, true);
  const auto strangers = questions(world, false);
  for (unsigned round = 0; round < run.settings.rounds; ++round) {
    PARLEY_TRY(run.check());
    run.report.add("decision, member", "ns", name,
                   PARLEY_TRY(time_decisions(*directory, members, plugin::AclDecision::allow)));
    run.report.add("decision, stranger", "ns", name,
                   PARLEY_TRY(time_decisions(*directory, strangers, plugin::AclDecision::deny)));
  }
  return {};
}

Result<> acl(Run& run, const Options& options) {
  run.report.parameter("questions a round",
                       std::to_string(kQuestions) + ", at random, read of rooms/ROOM/messages");
  run.report.set_baseline("");
  for (const auto memberships : options.memberships) PARLEY_TRY(measure(run, memberships));
  return {};
}

}  // namespace

void add_acl(CLI::App& app, Chosen& chosen) {
  auto* command = app.add_subcommand("acl", "Time of one access decision and memory of a membership");
  auto options = std::make_shared<Options>();
  command->add_option("--memberships", options->memberships, "How many are loaded; several may be given")
      ->check(CLI::Range(100, 100'000'000))
      ->capture_default_str();
  command->footer("The plugin's own Directory and decide(), in this process: no broker is started.");
  command->final_callback([&chosen, options] {
    chosen = {"acl", [options](Run& run) { return acl(run, *options); }};
  });
}

}  // namespace parley::bench
