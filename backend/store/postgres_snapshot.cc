#include "backend/store/postgres_snapshot.h"

#include <algorithm>
#include <map>

namespace parley::backend {
namespace {

using wire::DirectoryChange;
using Row = PostgresRows::Row;

DirectoryChange read_user(const Row& row) {
  return wire::UserPut{
      .name = row.string(0), .admin = row.flag(1), .disabled = row.flag(2), .scram = row.string(3)};
}

DirectoryChange read_token(const Row& row) {
  return wire::TokenPut{
      .id = row.string(0), .user = row.string(1), .sha256 = row.bytes(2), .expires_ms = row.integer(3)};
}

DirectoryChange read_room(const Row& row) {
  return wire::RoomPut{.id = row.number(0),
                       .name = row.string(1),
                       .kind = static_cast<wire::RoomKind>(row.integer(2)),
                       .epoch = row.string(3),
                       .last_seq = row.number(4),
                       .slow_s = static_cast<std::uint32_t>(row.integer(6))};
}

DirectoryChange read_member(const Row& row) {
  return wire::MemberPut{.room = row.number(0),
                         .user = row.string(1),
                         .role = static_cast<wire::Role>(row.integer(2)),
                         .banned = row.integer(3) != 0};
}

DirectoryChange read_mute(const Row& row) {
  return wire::MutePut{.room = row.number(0), .user = row.string(1), .until_ms = row.integer(2)};
}

DirectoryChange read_block(const Row& row) {
  return wire::NameBlock{.salt = row.string(0), .digest = row.string(1)};
}

struct Source {
  const char* sql;
  DirectoryChange (*read)(const Row& row);
};

// Numbers of quarantined messages have been given, so they are not to be given again.
constexpr Source kSources[] = {
    {"SELECT name, admin, disabled, scram FROM users ORDER BY name", read_user},
    {"SELECT id, user_name, sha256, expires_at FROM tokens ORDER BY id", read_token},
    {"SELECT r.id, r.name, r.kind, r.epoch, greatest(coalesce(p.last_seq, 0),"
     " coalesce((SELECT max(q.seq) FROM quarantine q WHERE q.room_id = r.id), 0)), r.shard, r.slow_s"
     " FROM rooms r LEFT JOIN room_progress p ON p.room_id = r.id WHERE NOT r.deleted ORDER BY r.id",
     read_room},
    {"SELECT room_id, user_name, role, 0 FROM members ORDER BY room_id, user_name", read_member},
    {"SELECT room_id, user_name, 0, 1 FROM bans ORDER BY room_id, user_name", read_member},
    {"SELECT room_id, user_name, until FROM mutes ORDER BY room_id, user_name", read_mute},
    {"SELECT salt, digest FROM erasures ORDER BY digest", read_block},
};

// Rooms whose messages lie elsewhere, by shard.
using Elsewhere = std::map<std::string, std::vector<std::uint64_t>, std::less<>>;

// Their last numbers, from there.
Result<> number_rooms(std::vector<DirectoryChange>& changes, const Elsewhere& elsewhere,
                      PostgresShards* shards) {
  for (const auto& [shard, rooms] : elsewhere) {
    if (!shards)
      return fail(Errc::unavailable, "A room lies in another database; store_shards does not name it.");
    auto progress = shards->progress(shard, rooms);
    if (!progress) return std::unexpected(progress.error());
    for (auto& change : changes) {
      auto* room = std::get_if<wire::RoomPut>(&change);
      if (!room) continue;
      if (auto known = progress->find(room->id); known != progress->end())
        room->last_seq = known->second.numbered;
    }
  }
  return {};
}

// A sink may wait for the broker.
constexpr const char* kPatience = "SET LOCAL idle_in_transaction_session_timeout = '600s'";

}  // namespace

Result<> stream_directory(PostgresConnection& connection, PostgresShards* shards, std::uint32_t part,
                          const std::function<Result<>(std::vector<DirectoryChange>)>& sink) {
  const auto fetch = "FETCH FORWARD " + std::to_string(std::max(part, 1u)) + " FROM directory_part";
  connection.execute(kPatience);
  for (const auto& source : kSources) {
    connection.execute(std::string("DECLARE directory_part NO SCROLL CURSOR FOR ") + source.sql);
    for (auto rows = connection.execute(fetch); !rows.empty(); rows = connection.execute(fetch)) {
      std::vector<DirectoryChange> changes;
      Elsewhere elsewhere;
      for (auto row : rows) {
        changes.push_back(source.read(row));
        if (source.read == read_room && !row.text(5).empty())
          elsewhere[row.string(5)].push_back(row.number(0));
      }
      if (auto numbered = number_rooms(changes, elsewhere, shards); !numbered) return numbered;
      if (auto taken = sink(std::move(changes)); !taken) return taken;
    }
    connection.execute("CLOSE directory_part");
  }
  return {};
}

}  // namespace parley::backend
