#pragma once
#include <deque>
#include <filesystem>
#include <string>
#include <vector>

#include "backend/cache/cache.h"
#include "backend/metrics/metrics.h"
#include "backend/store/sqlite_stores.h"
#include "base/clock.h"
#include "base/ids.h"

// For tests of the cache alone.
namespace parley::backend {

// As the plugin builds them, as far as the store and the cache look.
inline std::string test_envelope(std::uint64_t room_id, std::uint64_t seq, std::size_t padding = 0) {
  return "{\"seq\":" + std::to_string(seq) + ",\"room\":" + std::to_string(room_id) + ",\"content\":\"" +
         std::string(padding, 'x') + "\"}";
}

inline std::vector<std::string> test_envelopes(std::uint64_t room_id, std::uint64_t first,
                                               std::uint64_t last) {
  std::vector<std::string> envelopes;
  for (auto seq = first; seq <= last; ++seq) envelopes.push_back(test_envelope(room_id, seq));
  return envelopes;
}

// Records with what their views point at.
class TestRecords {
 public:
  TestRecords& add(std::uint64_t room_id, std::uint64_t seq, std::size_t padding = 0,
                   unsigned char variant = 0) {
    Ulid id{};
    id[0] = variant;
    for (int i = 0; i < 8; ++i) id[8 + i] = static_cast<unsigned char>(seq >> (8 * i));
    records_.push_back({.room_id = room_id,
                        .seq = seq,
                        .at_ms = 1'795'314'673'123,
                        .id = id,
                        .room = texts_.emplace_back("room" + std::to_string(room_id)),
                        .from = "alice",
                        .type = "text",
                        .ref = "",
                        .envelope = texts_.emplace_back(test_envelope(room_id, seq, padding))});
    return *this;
  }
  // Alice takes her message `target` back.
  TestRecords& remove(std::uint64_t room_id, std::uint64_t seq, std::uint64_t target) {
    add(room_id, seq);
    records_.back().type = "delete";
    records_.back().envelope = texts_.emplace_back(
        "{\"seq\":" + std::to_string(seq) + ",\"content\":{\"target\":" + std::to_string(target) + "}}");
    return *this;
  }
  TestRecords& add_range(std::uint64_t room_id, std::uint64_t first, std::uint64_t last) {
    for (auto seq = first; seq <= last; ++seq) add(room_id, seq);
    return *this;
  }
  std::span<const wire::Record> span() const { return records_; }

 private:
  std::deque<std::string> texts_;
  std::vector<wire::Record> records_;
};

// An SQLite database in a folder of its own, with a user alice.
class TestDatabase {
 public:
  explicit TestDatabase(const Clock& clock) : clock_(clock) {
    std::filesystem::create_directory(folder_);
    stores_ = open();
    (void)stores_.users->create({.name = "alice", .title = "", .scram = ""});
  }
  ~TestDatabase() {
    stores_ = {};
    std::filesystem::remove_all(folder_);
  }
  Stores open() { return std::move(*open_sqlite_stores(folder_ / "parley.db", {}, clock_)); }
  Stores& stores() { return stores_; }
  Room make_room(const std::string& name) {
    return stores_.rooms
        ->create({.name = name, .title = "", .members = {{.user = "alice", .role = wire::Role::owner}}})
        ->value;
  }

 private:
  const Clock& clock_;
  std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("parley-cache-" + random_id(12));
  Stores stores_;
};

inline double pages_counted(Metrics& metrics, const char* result) {
  return metrics.counter("parley_cache_pages_total", "", {{"result", result}}).value();
}

}  // namespace parley::backend
