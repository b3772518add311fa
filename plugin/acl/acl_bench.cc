#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/crypto.h"
#include "plugin/acl/acl.h"

// What one ACL decision costs, and one membership takes, with 10,000, 1 million and 10 million memberships:
// ten rooms a user, a hundred members a room, every user with a password. Questions are drawn over all of
// them, so at ten million nearly each one misses the caches.
namespace parley::plugin {
namespace {

constexpr std::int64_t kRoomsPerUser = 10;
constexpr std::int64_t kMembersPerRoom = 100;
constexpr std::size_t kQuestions = 1 << 16;

std::string user_name(std::int64_t i) {
  return "user" + std::to_string(i) + "@example";
}
std::string room_name(std::int64_t i) {
  return "room-" + std::to_string(i);
}

std::int64_t resident_bytes() {
  std::FILE* f = std::fopen("/proc/self/statm", "r");
  long long size = 0, resident = 0;
  if (f && std::fscanf(f, "%lld %lld", &size, &resident) != 2) resident = 0;
  if (f) std::fclose(f);
  return resident * ::sysconf(_SC_PAGESIZE);
}

struct World {
  std::int64_t memberships, users, rooms, resident;
  std::unique_ptr<Directory> directory = std::make_unique<Directory>();

  explicit World(std::int64_t size)
      : memberships(size),
        users(size / kRoomsPerUser),
        rooms(size / kMembersPerRoom),
        resident(-resident_bytes()) {
    const std::string verifier = format_scram(
        {std::string(16, 's'), kScramIterationsDefault, std::string(32, 'a'), std::string(32, 'b')});
    for (std::int64_t u = 0; u < users; ++u) put(wire::UserPut{user_name(u), false, false, verifier});
    for (std::int64_t r = 0; r < rooms; ++r) {
      put(wire::RoomPut{static_cast<std::uint64_t>(r + 1), room_name(r), wire::RoomKind::group, "k3x97q2m",
                        0});
    }
    for (std::int64_t u = 0; u < users; ++u) {
      for (std::int64_t i = 0; i < kRoomsPerUser; ++i) {
        put(wire::MemberPut{static_cast<std::uint64_t>(room_of(u, i) + 1), user_name(u), wire::Role::member});
      }
    }
    resident += resident_bytes();
  }
  std::int64_t room_of(std::int64_t user, std::int64_t i) const {
    return (user + i * (rooms / kRoomsPerUser)) % rooms;
  }
  void put(const wire::DirectoryChange& change) {
    Effects effects;
    if (!directory->apply(change, effects)) std::abort();
  }
};

World& world(std::int64_t size) {
  static std::unique_ptr<World> last;
  if (!last || last->memberships != size) last = std::make_unique<World>(size);
  return *last;
}

struct Question {
  std::string user, topic;
};

std::vector<Question> questions(const World& w, bool members, const char* last) {
  std::mt19937_64 random(1);
  std::vector<Question> all;
  for (std::size_t i = 0; i < kQuestions; ++i) {
    const auto user = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(w.users));
    const auto room =
        w.room_of(user, static_cast<std::int64_t>(random() % kRoomsPerUser)) + (members ? 0 : 1);
    all.push_back({user_name(user), "rooms/" + room_name(room % w.rooms) + last});
  }
  return all;
}

void run(benchmark::State& state, const World& w, const std::vector<Question>& asked, Access access,
         AclDecision expected) {
  std::size_t i = 0;
  for (auto _ : state) {
    const Question& q = asked[i++ % kQuestions];
    const auto decision = decide(*w.directory, {.access = access, .user = q.user, .topic = q.topic});
    if (decision != expected) state.SkipWithError("wrong decision");
    benchmark::DoNotOptimize(decision);
  }
  state.counters["bytes_per_membership"] =
      static_cast<double>(w.directory->memory_bytes()) / static_cast<double>(w.memberships);
  state.counters["resident_per_membership"] =
      static_cast<double>(w.resident) / static_cast<double>(w.memberships);
}

void member_reads(benchmark::State& state) {
  const World& w = world(state.range(0));
  run(state, w, questions(w, true, "/messages"), Access::read, AclDecision::allow);
}
void member_sends(benchmark::State& state) {
  const World& w = world(state.range(0));
  run(state, w, questions(w, true, "/send"), Access::write, AclDecision::allow);
}
void outsider_reads(benchmark::State& state) {
  const World& w = world(state.range(0));
  run(state, w, questions(w, false, "/messages"), Access::read, AclDecision::deny);
}
void member_subscribes(benchmark::State& state) {
  const World& w = world(state.range(0));
  run(state, w, questions(w, true, "/#"), Access::subscribe, AclDecision::allow);
}
// One message to all members of its room, room after room: what the broker asks most.
void fan_out(benchmark::State& state) {
  const World& w = world(state.range(0));
  std::vector<Question> asked;
  for (std::int64_t room = 0; asked.size() < kQuestions; room = (room + 7919) % w.rooms) {
    for (std::int64_t m = 0; m < kMembersPerRoom && asked.size() < kQuestions; ++m) {
      asked.push_back({user_name((room + m * w.rooms) % w.users), "rooms/" + room_name(room) + "/messages"});
    }
  }
  run(state, w, asked, Access::read, AclDecision::allow);
}
void change_membership(benchmark::State& state) {
  World& w = world(state.range(0));
  std::mt19937_64 random(2);
  for (auto _ : state) {
    const auto user = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(w.users));
    const auto room = static_cast<std::uint64_t>(w.room_of(user, 0) + 1);
    w.put(wire::MemberPut{room, user_name(user), wire::Role::none});
    w.put(wire::MemberPut{room, user_name(user), wire::Role::member});
  }
}

}  // namespace
}  // namespace parley::plugin

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  // Size by size, so that each Directory is made once.
  for (const std::int64_t size : {10'000, 1'000'000, 10'000'000}) {
    namespace p = parley::plugin;
    benchmark::RegisterBenchmark("member_reads", p::member_reads)->Arg(size);
    benchmark::RegisterBenchmark("fan_out", p::fan_out)->Arg(size);
    benchmark::RegisterBenchmark("member_sends", p::member_sends)->Arg(size);
    benchmark::RegisterBenchmark("outsider_reads", p::outsider_reads)->Arg(size);
    benchmark::RegisterBenchmark("member_subscribes", p::member_subscribes)->Arg(size);
    benchmark::RegisterBenchmark("change_membership_twice", p::change_membership)->Arg(size);
  }
  benchmark::RunSpecifiedBenchmarks();
}
