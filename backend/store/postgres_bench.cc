// What the PostgreSQL store reaches beside bare statements on the same server, in one run:
//   PARLEY_TEST_POSTGRES=URL postgres_bench [rows] [rows a batch] [rows of the deep room]
// rows stored a second ÷ COPY of the same rows in the same batches into a table of the same columns and key; a page of
// history at several depths ÷ the bare query; rows stored a second with 20 readers ÷ without. URL names a database
// whose role may create databases; two are made and dropped.
#include <libpq-fe.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "backend/store/postgres_stores.h"
#include "base/encoding.h"
#include "base/ids.h"
#include "wire/envelope.h"

namespace parley::backend {
namespace {

constexpr int kRooms = 10, kReaders = 20, kRounds = 3, kPage = 50, kPagesRead = 2000;

[[noreturn]] void stop(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

double seconds_since(SteadyTime begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// libpq itself, to compare with.
class Bare {
 public:
  explicit Bare(const PostgresAddress& address) : connection_(PQconnectdb(address.conninfo().c_str())) {
    if (PQstatus(connection_) != CONNECTION_OK) stop(PQerrorMessage(connection_));
    run("SET client_min_messages = error");
  }
  ~Bare() { PQfinish(connection_); }

  void run(const std::string& sql) { PQclear(check(PQexec(connection_, sql.c_str()))); }
  void copy(const std::string& table, const std::string& lines) {
    PQclear(check(PQexec(connection_, ("COPY " + table + " FROM STDIN").c_str())));
    if (PQputCopyData(connection_, lines.data(), static_cast<int>(lines.size())) != 1 ||
        PQputCopyEnd(connection_, nullptr) != 1)
      stop(PQerrorMessage(connection_));
    while (auto* result = PQgetResult(connection_)) PQclear(check(result));
  }
  void prepare(const std::string& sql) {
    PQclear(check(PQprepare(connection_, "page", sql.c_str(), 0, nullptr)));
  }
  std::size_t page(std::uint64_t room, std::uint64_t before) {
    auto first = std::to_string(room), second = std::to_string(before);
    const char* values[] = {first.c_str(), second.c_str()};
    auto* result = check(PQexecPrepared(connection_, "page", 2, values, nullptr, nullptr, 0));
    auto rows = static_cast<std::size_t>(PQntuples(result));
    PQclear(result);
    return rows;
  }

 private:
  PGresult* check(PGresult* result) {
    auto status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_COPY_IN)
      stop(PQerrorMessage(connection_));
    return result;
  }
  PGconn* connection_;
};

class OwnDatabase {
 public:
  explicit OwnDatabase(const PostgresAddress& server) : server_(server), address_(server) {
    address_.database = "parley_bench_" + random_id(8);
    Bare(server_).run("CREATE DATABASE " + address_.database);
  }
  ~OwnDatabase() { Bare(server_).run("DROP DATABASE " + address_.database + " WITH (FORCE)"); }
  const PostgresAddress& address() const { return address_; }

 private:
  PostgresAddress server_, address_;
};

struct Workload {
  std::vector<std::string> envelopes;
  std::vector<wire::Record> records;
};

Workload make_workload(std::size_t rows, const std::vector<std::uint64_t>& rooms, std::uint64_t first_seq) {
  Workload load;
  load.envelopes.reserve(rows);
  UlidGenerator ids;
  const std::string content = "{\"text\":\"" + std::string(89, 'x') + "\"}";
  for (std::size_t i = 0; i < rows; ++i) {
    wire::Envelope e{.seq = first_seq + i / rooms.size(),
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
    wire::Record r{.room_id = rooms[i % rooms.size()], .seq = e.seq, .at_ms = e.at, .id = e.id};
    r.room = "room", r.from = "alice", r.type = "text", r.ref = "";
    r.envelope = load.envelopes.emplace_back(wire::format_envelope(e));
    load.records.push_back(r);
  }
  return load;
}

std::string copy_lines(std::span<const wire::Record> records) {
  std::string out;
  for (const auto& r : records) {
    std::string_view id(reinterpret_cast<const char*>(r.id.data()), r.id.size());
    out += std::to_string(r.room_id) + '\t' + std::to_string(r.seq) + '\t' + hex_encode(id) + '\t' +
           std::to_string(r.at_ms) + '\t';
    out.append(r.from).append("\t").append(r.type).append("\t").append(r.ref).append("\t0\t");
    for (char c : r.envelope) {
      if (c == '\\') out += '\\';
      out += c;
    }
    out += '\n';
  }
  return out;
}

template <class Store>
double rows_per_second(const Workload& load, std::size_t batch, Store store) {
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t first = 0; first < load.records.size(); first += batch) {
    auto count = std::min(batch, load.records.size() - first);
    store(first, std::span(load.records).subspan(first, count));
  }
  return static_cast<double>(load.records.size()) / seconds_since(begin);
}

struct World {
  SystemClock clock;
  Stores stores;
  std::vector<std::uint64_t> rooms;
  std::uint64_t offset = 0;
  std::uint64_t next_seq = 1;

  explicit World(const PostgresAddress& address) {
    PostgresOptions options;
    options.pool.connections = kReaders + 4;
    auto opened = open_postgres_stores({.main = address}, options, clock);
    if (!opened) stop(opened.error().message);
    stores = *std::move(opened);
    if (auto made = stores.users->create({.name = "alice", .title = "", .scram = ""}); !made)
      stop(made.error().message);
    for (int i = 0; i < kRooms; ++i) rooms.push_back(make_room("room" + std::to_string(i)));
    if (auto begun = stores.messages->begin(1, "j", std::nullopt); !begun) stop(begun.error().message);
  }
  std::uint64_t make_room(const std::string& name) {
    auto room = stores.rooms->create({.name = name, .title = "", .members = {{"alice", wire::Role::owner}}});
    if (!room) stop(room.error().message);
    return room->value.id;
  }
  void store(std::span<const wire::Record> records) {
    auto done = stores.messages->store(1, offset, offset + records.size(), records);
    if (!done) stop(done.error().message);
    if (done->stored != records.size()) stop("not all rows were stored");
    offset += records.size();
  }
  double store_all(std::size_t rows, std::size_t batch) {
    auto load = make_workload(rows, rooms, next_seq);
    next_seq += rows / kRooms + 1;
    return rows_per_second(load, batch, [&](std::size_t, auto records) { store(records); });
  }
};

constexpr const char* kColumns =
    "(room_id bigint NOT NULL, seq bigint NOT NULL, id uuid NOT NULL, at bigint NOT NULL, sender text NOT "
    "NULL,"
    " type text NOT NULL, ref text NOT NULL, flags smallint NOT NULL, envelope text NOT NULL,"
    " PRIMARY KEY (room_id, seq))";

void measure_storing(World& world, Bare& bare, std::size_t rows, std::size_t batch) {
  double copied = 0, stored = 0;
  for (int round = 0; round < kRounds; ++round) {
    bare.run(std::string("DROP TABLE IF EXISTS bare; CREATE TABLE bare") + kColumns + "; CHECKPOINT");
    auto load = make_workload(rows, world.rooms, 1);
    copied = std::max(copied, rows_per_second(load, batch, [&](std::size_t, auto records) {
                        bare.copy("bare", copy_lines(records));
                      }));
    bare.run("CHECKPOINT");
    stored = std::max(stored, world.store_all(rows, batch));
  }
  std::printf("storing, batches of %zu: COPY %.0f rows/s, store %.0f rows/s, ratio %.2f\n", batch, copied,
              stored, stored / copied);
}

// The medians of many, in microseconds; in turns, so that whatever else the machine does meets both.
template <class First, class Second>
std::pair<double, double> medians_us(First first, Second second) {
  std::vector<double> times[2];
  auto timed = [](std::vector<double>& into, auto& read) {
    const auto begin = std::chrono::steady_clock::now();
    read();
    into.push_back(seconds_since(begin) * 1e6);
  };
  for (int i = 0; i < kPagesRead; ++i) {
    timed(times[0], first);
    timed(times[1], second);
  }
  for (auto& some : times) std::ranges::nth_element(some, some.begin() + kPagesRead / 2);
  return {times[0][kPagesRead / 2], times[1][kPagesRead / 2]};
}

void measure_pages(World& world, Bare& bare, std::size_t rows) {
  auto room = world.make_room("deep");
  bare.run(
      "INSERT INTO messages SELECT " + std::to_string(room) +
      ", n, gen_random_uuid(), 1795314673123, 'alice', 'text', '', 0, '{\"seq\":' || n || "
      "',\"epoch\":\"k3x97q2m\",\"id\":\"01JD8Z6V5T3Y0N7QF4R2W9ABCD\",\"room\":\"room\",\"from\":\"alice\","
      "\"role\":\"member\",\"device\":\"alice-phone\",\"at\":1795314673123,\"type\":\"text\",\"content\":"
      "{\"text\":\"' || repeat('x', 89) || '\"}}' FROM generate_series(1, " +
      std::to_string(rows) + ") n; UPDATE room_progress SET last_seq = " + std::to_string(rows) +
      " WHERE room_id = " + std::to_string(room));
  bare.run("VACUUM ANALYZE messages");
  bare.prepare(
      "SELECT envelope FROM messages WHERE room_id = $1::bigint AND seq < $2::bigint"
      " ORDER BY seq DESC LIMIT " +
      std::to_string(kPage));
  for (double depth : {0.0, 0.1, 0.5, 0.9, 0.999}) {
    auto before = static_cast<std::uint64_t>(static_cast<double>(rows) * (1 - depth));
    auto [plain, ours] = medians_us(
        [&] {
          if (bare.page(room, before) == 0) stop("an empty page");
        },
        [&] {
          auto page = world.stores.messages->page({.room_id = room, .before = before, .limit = kPage});
          if (!page || page->envelopes.empty()) stop("an empty page");
        });
    std::printf("page of %d at depth %.3f of %zu: bare %.0f us, store %.0f us, ratio %.2f\n", kPage, depth,
                rows, plain, ours, ours / plain);
  }
}

void measure_readers(World& world, std::size_t rows, std::size_t batch) {
  double alone = 0, beside = 0;
  std::atomic<std::uint64_t> pages = 0;
  for (int round = 0; round < kRounds; ++round) {
    alone = std::max(alone, world.store_all(rows, batch));
    std::atomic<bool> done = false;
    std::vector<std::jthread> readers;
    for (int reader = 0; reader < kReaders; ++reader) {
      readers.emplace_back([&, reader] {
        // As fast as people page, not as fast as a loop can.
        std::mt19937 random(static_cast<unsigned>(reader));
        while (!done) {
          PageQuery query{.room_id = world.rooms[random() % kRooms], .before = random() % 10'000 + 2};
          if (!world.stores.messages->page(query)) stop("a page failed");
          ++pages;
          std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
      });
    }
    beside = std::max(beside, world.store_all(rows, batch));
    done = true;
  }
  std::printf("storing beside %d readers (%llu pages): %.0f rows/s of %.0f, ratio %.2f\n", kReaders,
              static_cast<unsigned long long>(pages.load()), beside, alone, beside / alone);
}

}  // namespace
}  // namespace parley::backend

int main(int argc, char** argv) {
  using namespace parley::backend;
  const char* url = std::getenv("PARLEY_TEST_POSTGRES");
  auto server = parse_postgres_url(url ? url : "");
  if (!server) stop("PARLEY_TEST_POSTGRES: " + server.error().message);
  std::size_t rows = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 100'000;
  std::size_t batch = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 500;
  std::size_t deep = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 1'000'000;
  OwnDatabase database(*server);
  World world(database.address());
  Bare bare(database.address());
  measure_storing(world, bare, rows, batch);
  measure_storing(world, bare, rows, batch * 8);
  measure_readers(world, rows, batch);
  measure_pages(world, bare, deep);
}
