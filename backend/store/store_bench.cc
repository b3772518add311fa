// How fast feed batches are stored, beside a bare bulk insert of the same rows into SQLite with the same
// settings.
//   store_bench [rows] [rows a batch] [folder]
// Both run in turns over databases of their own, three times; the best of each counts.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "backend/store/sqlite_database.h"
#include "backend/store/sqlite_stores.h"
#include "base/ids.h"
#include "wire/envelope.h"

namespace parley::backend {
namespace {

constexpr int kRooms = 10;

struct Workload {
  std::vector<std::string> envelopes;
  std::vector<wire::Record> records;
  std::size_t batch = 500;
};

Workload make_workload(std::size_t rows, std::size_t batch, const std::vector<std::uint64_t>& rooms) {
  Workload load{.envelopes = {}, .records = {}, .batch = batch};
  load.envelopes.reserve(rows);
  UlidGenerator ids;
  const std::string content = "{\"text\":\"" + std::string(89, 'x') + "\"}";
  for (std::size_t i = 0; i < rows; ++i) {
    wire::Envelope e{.seq = i / kRooms + 1,
                     .epoch = "k3x97q2m",
                     .id = ids.next(from_ms(1'795'314'673'123)),
                     .room = "room",
                     .from = "alice",
                     .role = "member",
                     .device = "alice-phone",
                     .at = 1'795'314'673'123,
                     .type = "text",
                     .ref = "r" + std::to_string(i),
                     .content = content};
    wire::Record r{.room_id = rooms[i % kRooms], .seq = e.seq, .at_ms = e.at, .id = e.id};
    r.room = "room", r.from = "alice", r.type = "text", r.ref = "";
    r.envelope = load.envelopes.emplace_back(wire::format_envelope(e));
    load.records.push_back(r);
  }
  return load;
}

template <class Work>
double rows_per_second(const Workload& load, Work store_batch) {
  auto begin = std::chrono::steady_clock::now();
  for (std::size_t first = 0; first < load.records.size(); first += load.batch) {
    store_batch(first,
                std::span(load.records).subspan(first, std::min(load.batch, load.records.size() - first)));
  }
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  return static_cast<double>(load.records.size()) / took.count();
}

[[noreturn]] void stop(const Error& error) {
  std::fprintf(stderr, "%s\n", error.message.c_str());
  std::exit(1);
}

double run_bare(const std::filesystem::path& path, const Workload& load) {
  SystemClock clock;
  auto database = SqliteDatabase::open(path, {}, clock);
  if (!database) stop(database.error());
  return rows_per_second(load, [&](std::size_t, std::span<const wire::Record> batch) {
    auto done = (*database)->write([&](SqliteConnection& connection) -> Result<> {
      auto insert = connection.query("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
      for (const auto& r : batch) {
        std::string_view id(reinterpret_cast<const char*>(r.id.data()), r.id.size());
        insert.bind(r.room_id, r.seq, Blob{id}, r.at_ms, r.from, r.type, r.ref, r.flags, r.envelope).run();
      }
      return {};
    });
    if (!done) stop(done.error());
  });
}

double run_store(const std::filesystem::path& path, const Workload& load) {
  SystemClock clock;
  auto stores = open_sqlite_stores(path, {}, clock);
  if (!stores) stop(stores.error());
  if (auto begun = stores->messages->begin(1, "j", std::nullopt); !begun) stop(begun.error());
  return rows_per_second(load, [&](std::size_t first, std::span<const wire::Record> batch) {
    auto done = stores->messages->store(1, first, first + batch.size(), batch);
    if (!done) stop(done.error());
  });
}

// The rooms exist, as they do in life.
std::vector<std::uint64_t> make_rooms(const std::filesystem::path& path) {
  SystemClock clock;
  auto stores = open_sqlite_stores(path, {}, clock);
  if (!stores) stop(stores.error());
  if (auto made = stores->users->create({.name = "alice", .title = "", .scram = ""}); !made)
    stop(made.error());
  std::vector<std::uint64_t> rooms;
  for (int i = 0; i < kRooms; ++i) {
    auto room = stores->rooms->create(
        {.name = "room" + std::to_string(i), .title = "", .members = {{"alice", wire::Role::owner}}});
    if (!room) stop(room.error());
    rooms.push_back(room->value.id);
  }
  return rooms;
}

}  // namespace
}  // namespace parley::backend

int main(int argc, char** argv) {
  using namespace parley::backend;
  std::size_t rows = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 200'000;
  std::size_t batch = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 500;
  std::filesystem::path parent = argc > 3 ? argv[3] : std::filesystem::temp_directory_path();
  auto folder = parent / ("parley-bench-" + parley::random_id(8));
  double bare = 0, stored = 0;
  for (int round = 0; round < 3; ++round) {
    std::filesystem::create_directories(folder);
    auto load = make_workload(rows, batch, make_rooms(folder / "store.db"));
    bare = std::max(bare, run_bare(folder / "bare.db", load));
    stored = std::max(stored, run_store(folder / "store.db", load));
    std::filesystem::remove_all(folder);
  }
  std::printf("%zu rows in batches of %zu: bare %.0f rows/s, store %.0f rows/s, ratio %.2f\n", rows, batch,
              bare, stored, stored / bare);
}
