#include "backend/store/postgres_shards.h"

#include <algorithm>
#include <set>

#include "backend/store/postgres_message_store.h"
#include "backend/store/room_placement.h"

namespace parley::backend {
namespace {

constexpr std::size_t kLocatedMax = 1'000'000;  // rooms remembered, about 50 bytes each

Result<std::string> shard_id(PostgresPool& pool) {
  return pool.read([](PostgresConnection& connection) -> Result<std::string> {
    return connection.query("SELECT shard_id FROM feed_position")[0].string(0);
  });
}

// A database that joins later has none of the messages before, and no room that could.
Result<> join_feed(const std::vector<std::shared_ptr<PostgresPool>>& pools) {
  std::vector<PostgresMessageStore> fresh;
  std::optional<FeedPosition> least;
  for (const auto& pool : pools) {
    PostgresMessageStore store(pool);
    auto position = store.position();
    if (!position) return std::unexpected(position.error());
    if (position->journal.empty())
      fresh.push_back(std::move(store));
    else if (!least || position->offset < least->offset)
      least = *position;
  }
  for (auto& store : fresh) {
    if (!least) break;
    if (auto begun = store.begin(least->generation, least->journal, least->offset); !begun) return begun;
  }
  return {};
}

Result<> check_all_are_named(PostgresPool& main, const std::vector<std::string>& ids) {
  auto known = PostgresArray::of_text();
  for (const auto& id : ids) known.add(std::string_view(id));
  auto missing = main.read([&](PostgresConnection& connection) -> Result<std::int64_t> {
    return connection
        .query("SELECT count(*) FROM rooms WHERE shard <> '' AND NOT deleted AND shard <> ALL($1::text[])",
               known)[0]
        .integer(0);
  });
  if (!missing) return std::unexpected(missing.error());
  if (*missing == 0) return {};
  return fail(Errc::invalid_argument,
              std::to_string(*missing) + " rooms lie in a database that store_shards does not name.");
}

}  // namespace

Result<std::shared_ptr<PostgresShards>> PostgresShards::open(
    std::vector<std::shared_ptr<PostgresPool>> pools) {
  std::vector<std::string> ids;
  for (const auto& pool : pools) {
    auto id = shard_id(*pool);
    if (!id) return std::unexpected(id.error());
    if (std::ranges::find(ids, *id) != ids.end())
      return fail(Errc::invalid_argument, pool->address().shown() + " is named twice.");
    ids.push_back(*id);
  }
  if (auto sound = check_all_are_named(*pools.front(), ids); !sound) return std::unexpected(sound.error());
  if (auto joined = join_feed(pools); !joined) return std::unexpected(joined.error());
  return std::shared_ptr<PostgresShards>(new PostgresShards(std::move(pools), std::move(ids)));
}

Result<std::size_t> PostgresShards::index_of(const std::string& shard) const {
  if (shard.empty()) return 0;
  auto found = std::ranges::find(ids_, shard);
  if (found != ids_.end()) return static_cast<std::size_t>(found - ids_.begin());
  return fail(Errc::unavailable, "A room lies in a database that store_shards does not name.");
}

std::string PostgresShards::place(std::uint64_t room_id) const {
  auto index = place_room(room_id, ids_);
  return index == 0 ? "" : ids_[index];
}

Result<> PostgresShards::add_room(const std::string& shard, std::uint64_t room_id, const std::string& name,
                                  const Retention& retain) {
  auto index = index_of(shard);
  if (!index) return std::unexpected(index.error());
  return pool(*index).write([&](PostgresConnection& connection) -> Result<> {
    connection.query(
        "INSERT INTO room_progress(room_id, room, state, retain_s, retain_messages) VALUES ($1, $2, 0, $3, "
        "$4)"
        " ON CONFLICT DO NOTHING",
        room_id, name, retain.seconds, retain.messages);
    return {};
  });
}

Result<> PostgresShards::set_retention(const std::string& shard, std::uint64_t room_id,
                                       const Retention& retain) {
  auto index = index_of(shard);
  if (!index) return std::unexpected(index.error());
  return pool(*index).write([&](PostgresConnection& connection) -> Result<> {
    write_retention(connection, room_id, retain);
    return {};
  });
}

void write_retention(PostgresConnection& connection, std::uint64_t room_id, const Retention& retain) {
  connection.query("UPDATE room_progress SET retain_s = $2, retain_messages = $3 WHERE room_id = $1", room_id,
                   retain.seconds, retain.messages);
}

Result<std::unordered_map<std::uint64_t, RoomProgress>> PostgresShards::progress(
    const std::string& shard, const std::vector<std::uint64_t>& rooms) {
  auto index = index_of(shard);
  if (!index) return std::unexpected(index.error());
  using Found = std::unordered_map<std::uint64_t, RoomProgress>;
  return pool(*index).read([&](PostgresConnection& connection) -> Result<Found> {
    auto ids = PostgresArray::of_bigint();
    for (auto room : rooms) ids.add(room);
    Found found;
    auto rows = connection.query(
        "SELECT room_id, last_seq, quarantined, greatest(last_seq,"
        " coalesce((SELECT max(q.seq) FROM quarantine q WHERE q.room_id = p.room_id), 0)),"
        " counted, rewritten, annotated, last_message, expired, retain_s, retain_messages"
        " FROM room_progress p WHERE room_id = ANY($1)",
        ids);
    for (auto row : rows)
      found[row.number(0)] = {.last_seq = row.number(1),
                              .numbered = row.number(3),
                              .quarantined = row.flag(2),
                              .counted = row.number(4),
                              .rewritten = row.number(5),
                              .annotated = row.number(6),
                              .last_message = row.number(7),
                              .expired = row.number(8),
                              .retain = {.seconds = row.number(9), .messages = row.number(10)}};
    return found;
  });
}

Result<std::unordered_map<std::uint64_t, std::size_t>> PostgresShards::locate(
    const std::vector<std::uint64_t>& rooms) {
  std::unordered_map<std::uint64_t, std::size_t> found;
  auto unknown = PostgresArray::of_bigint();
  {
    std::lock_guard lock(mutex_);
    for (auto room : rooms) {
      auto at = located_.find(room);
      if (at == located_.end()) unknown.add(room);
      found[room] = at == located_.end() ? 0 : at->second;
    }
  }
  if (unknown.empty()) return found;
  auto looked = pool(0).read([&](PostgresConnection& connection) -> Result<> {
    for (auto row : connection.query("SELECT id, shard FROM rooms WHERE id = ANY($1)", unknown)) {
      auto index = index_of(row.string(1));
      if (!index) return std::unexpected(index.error());
      found[row.number(0)] = *index;
      std::lock_guard lock(mutex_);
      if (located_.size() >= kLocatedMax) located_.clear();
      located_[row.number(0)] = static_cast<std::uint32_t>(*index);
    }
    return {};
  });
  if (!looked) return std::unexpected(looked.error());
  return found;
}

// The shard first: told twice does no harm.
Result<bool> PostgresShards::tell_deletion() {
  struct Deletion {
    std::uint64_t room = 0;  // 0: there is none
    std::string shard;
  };
  auto next = pool(0).read([](PostgresConnection& connection) -> Result<Deletion> {
    auto rows = connection.query("SELECT id, shard FROM rooms WHERE deleted AND NOT shard_told LIMIT 1");
    if (rows.empty()) return Deletion{};
    return Deletion{rows[0].number(0), rows[0].string(1)};
  });
  if (!next) return std::unexpected(next.error());
  if (next->room == 0) return false;
  auto index = index_of(next->shard);
  if (!index) return std::unexpected(index.error());
  auto told = pool(*index).write([&](PostgresConnection& connection) -> Result<> {
    connection.query("UPDATE room_progress SET state = 1, messages = 0 WHERE room_id = $1 AND state = 0",
                     next->room);
    return {};
  });
  if (!told) return std::unexpected(told.error());
  return pool(0).write([&](PostgresConnection& connection) -> Result<bool> {
    connection.query("UPDATE rooms SET shard_told = true WHERE id = $1", next->room);
    return true;
  });
}

Result<std::vector<ShardStatus>> PostgresShards::status() {
  std::vector<ShardStatus> all;
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    ShardStatus one{.id = ids_[i], .database = pools_[i]->address().shown()};
    auto read = pool(i).read([&](PostgresConnection& connection) -> Result<> {
      auto row = connection.query(
          "SELECT count(*), coalesce(sum(messages), 0)::bigint, (SELECT position FROM feed_position)"
          " FROM room_progress WHERE state IN (0, 3)")[0];
      one.rooms = row.number(0);
      one.messages = row.number(1);
      one.offset = row.number(2);
      return {};
    });
    one.answers = read.has_value();
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace parley::backend
