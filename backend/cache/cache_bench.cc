// One page of the newest 50 messages: from the store, the in-process cache and Redis.
//   cache_bench [REDIS_URL]
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "backend/cache/cache_testing.h"
#include "backend/cache/cached_message_store.h"
#include "backend/cache/make_cache.h"

namespace {

using namespace parley;
using namespace parley::backend;

constexpr int kRooms = 100, kPages = 20'000;
constexpr std::uint64_t kMessages = 1'000;

void report(const char* name, MessageStore& store, const std::vector<Room>& rooms) {
  std::vector<double> times;
  for (int i = 0; i < kPages; ++i) {
    const auto& room = rooms[static_cast<std::size_t>(i) % rooms.size()];
    const auto begun = std::chrono::steady_clock::now();
    const auto page =
        store.page({.room_id = room.id, .limit = 50, .head = RoomHead{room.epoch, room.last_seq}});
    if (!page || page->envelopes.size() != 50) std::fprintf(stderr, "%s: no page\n", name);
    times.push_back(
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begun).count());
  }
  std::ranges::sort(times);
  std::printf("%-10s median %7.1f us   p99 %7.1f us\n", name, times[kPages / 2], times[kPages * 99 / 100]);
}

void report_cached(const char* name, const char* url, MessageStore& store, const std::vector<Room>& rooms,
                   const Clock& clock) {
  Metrics metrics;
  auto made = make_cache({.url = url, .installation = "bench-" + random_id(8)}, clock,
                         [](LogLevel, std::string_view line) { std::fprintf(stderr, "%s\n", line.data()); });
  CachedMessageStore cached(store, *made->cache, {}, metrics);
  (void)cached.begin(2, "journal", std::nullopt);
  report(name, cached, rooms);
  std::printf("%-10s hits %.0f, misses %.0f\n", "", pages_counted(metrics, "hit"),
              pages_counted(metrics, "miss"));
}

}  // namespace

int main(int argc, char** argv) {
  SystemClock clock;
  TestDatabase database(clock);
  auto& messages = *database.stores().messages;
  (void)messages.begin(1, "journal", std::nullopt);
  std::vector<Room> rooms;
  for (int i = 0; i < kRooms; ++i) {
    TestRecords records;
    const auto id = database.make_room("room" + std::to_string(i)).id;
    for (std::uint64_t seq = 1; seq <= kMessages; ++seq) records.add(id, seq, 250);
    (void)messages.store(1, static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(i) + 1, records.span());
    rooms.push_back(*database.stores().rooms->get(id));
  }
  report("store", messages, rooms);
  report_cached("memory", "memory://", messages, rooms, clock);
  if (argc > 1) report_cached("redis", argv[1], messages, rooms, clock);
}
