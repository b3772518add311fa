// Receipts a second by PostgreSQL alone, with the in-process cache, and with Redis: all of them new, and all of them repeats.
//   PARLEY_TEST_POSTGRES=URL mark_bench [REDIS_URL]
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "backend/cache/cached_mark_store.h"
#include "backend/cache/make_cache.h"
#include "backend/store/postgres_stores.h"
#include "base/ids.h"
#include "tests/fakes/migrated_database.h"

namespace {

using namespace parley;
using namespace parley::backend;

constexpr int kRooms = 50, kUsers = 100, kRounds = 15;
constexpr std::size_t kBatch = 500;  // receipts of one transaction of MarkWriter

std::vector<MarkRaise> receipts(std::uint64_t seq) {
  std::vector<MarkRaise> all;
  for (int room = 0; room < kRooms; ++room)
    for (int user = 0; user < kUsers; ++user)
      all.push_back(
          {.room = "room" + std::to_string(room), .user = "user" + std::to_string(user), .to = {seq, seq}});
  return all;
}

double per_second(MarkStore& marks, std::uint64_t seq) {
  const auto all = receipts(seq);
  const auto begun = std::chrono::steady_clock::now();
  for (std::span<const MarkRaise> rest = all; !rest.empty();
       rest = rest.subspan(std::min(kBatch, rest.size())))
    if (!marks.raise(rest.first(std::min(kBatch, rest.size())))) std::fprintf(stderr, "not raised\n");
  return static_cast<double>(all.size()) /
         std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

struct Contender {
  const char* name;
  MarkStore* marks;
  std::vector<double> fresh{}, repeats{};
};

void report(const char* what, std::vector<double> rates, double bare) {
  std::ranges::sort(rates);
  const auto median = rates[rates.size() / 2];
  std::printf("  %-8s %9.0f/s (%.0f to %.0f), %.2f of PostgreSQL alone\n", what, median, rates.front(),
              rates.back(), median / bare);
}

double median(std::vector<double> rates) {
  std::ranges::sort(rates);
  return rates[rates.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  SystemClock clock;
  MigratedDatabase database;
  auto stores = open_postgres_stores({.main = database.address()}, {}, clock);
  std::vector<NewMember> members;
  for (int user = 0; user < kUsers; ++user) {
    (void)stores->users->create({.name = "user" + std::to_string(user), .title = "", .scram = ""});
    members.push_back(
        {.user = "user" + std::to_string(user), .role = user ? wire::Role::member : wire::Role::owner});
  }
  for (int room = 0; room < kRooms; ++room)
    (void)stores->rooms->create({.name = "room" + std::to_string(room), .title = "", .members = members});

  Metrics metrics;
  MarkCopies copies;
  copies.begin();
  std::vector<std::unique_ptr<Cache>> caches;
  std::vector<std::unique_ptr<CachedMarkStore>> cached;
  std::vector<Contender> contenders{{"PostgreSQL alone", stores->marks.get()}};
  for (int i = 0; i < std::min(argc, 2); ++i) {
    auto made =
        make_cache({.url = i ? argv[1] : "memory://", .installation = "bench-" + random_id(8)}, clock,
                   [](LogLevel, std::string_view line) { std::fprintf(stderr, "%s\n", line.data()); });
    caches.push_back(std::move(made->cache));
    cached.push_back(std::make_unique<CachedMarkStore>(*stores->marks, copies, *caches.back(), metrics));
    contenders.push_back({i ? "with Redis" : "with memory://", cached.back().get()});
  }
  std::uint64_t seq = 0;
  for (int round = 0; round < kRounds; ++round)
    for (auto& contender : contenders) {
      contender.fresh.push_back(per_second(*contender.marks, ++seq));
      contender.repeats.push_back(per_second(*contender.marks, seq));
    }
  for (const auto& contender : contenders) {
    std::printf("%s\n", contender.name);
    report("new", contender.fresh, median(contenders[0].fresh));
    report("repeats", contender.repeats, median(contenders[0].repeats));
  }
}
