#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "backend/store/postgres_pool.h"
#include "backend/store/retention.h"
#include "backend/store/shard_status.h"
#include "base/result.h"

namespace parley::backend {

// What a room's messages have come to.
struct RoomProgress {
  std::uint64_t last_seq = 0;
  std::uint64_t numbered = 0;  // the last number given: those of quarantined messages count
  bool quarantined = false;
  std::uint64_t counted = 0, rewritten = 0, annotated = 0, last_message = 0, expired = 0;  // as in Room
  Retention retain{};
};

// A room's own retention, in the database where its messages lie.
void write_retention(PostgresConnection& connection, std::uint64_t room_id, const Retention& retain);

// The databases over which rooms' messages are spread. The first also has accounts, rooms and the Directory
// log, and remembers of each room which database its messages lie in (rooms.shard: the database's own random
// id, so it may move to other hosts). A room stays where it was placed when it was made. Thread-safe; calls
// block on the databases. Errors: as PostgresPool's; unavailable also when a room lies in a database that was
// not named.
class PostgresShards {
 public:
  // `pools`: their schema is up to date, the first is the main one. One that has met no journal yet takes the
  // place where the others stand. invalid_argument: two of them are the same, or rooms lie in one that is
  // missing.
  static Result<std::shared_ptr<PostgresShards>> open(std::vector<std::shared_ptr<PostgresPool>> pools);

  std::size_t size() const { return pools_.size(); }
  PostgresPool& pool(std::size_t shard) { return *pools_[shard]; }
  const std::shared_ptr<PostgresPool>& shared_pool(std::size_t shard) const { return pools_[shard]; }

  // Where a new room goes; "" is the first. add_room makes it known there, before it is made on the first.
  std::string place(std::uint64_t room_id) const;
  Result<> add_room(const std::string& shard, std::uint64_t room_id, const std::string& name,
                    const Retention& retain);
  Result<> set_retention(const std::string& shard, std::uint64_t room_id, const Retention& retain);
  // How far these rooms of one shard are; those unknown there are left out.
  Result<std::unordered_map<std::uint64_t, RoomProgress>> progress(const std::string& shard,
                                                                   const std::vector<std::uint64_t>& rooms);

  // Which shard each of these rooms lies on, by index; the first for rooms nobody knows. Remembered.
  Result<std::unordered_map<std::uint64_t, std::size_t>> locate(const std::vector<std::uint64_t>& rooms);

  // Tells the shards of deletions they have not been told of; true: there was one.
  Result<bool> tell_deletion();

  Result<std::vector<ShardStatus>> status();

 private:
  PostgresShards(std::vector<std::shared_ptr<PostgresPool>> pools, std::vector<std::string> ids)
      : pools_(std::move(pools)), ids_(std::move(ids)) {}
  Result<std::size_t> index_of(const std::string& shard) const;

  const std::vector<std::shared_ptr<PostgresPool>> pools_;
  const std::vector<std::string> ids_;
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::uint32_t> located_;  // at most kLocatedMax, then emptied
};

}  // namespace parley::backend
