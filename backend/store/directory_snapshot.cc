#include "backend/store/directory_snapshot.h"

#include <algorithm>

namespace parley::backend {
namespace {

using wire::DirectoryChange;

// Collects changes and hands them on part by part.
class Parts {
 public:
  Parts(std::uint32_t part, const ChangeSink& sink) : part_(std::max(part, 1u)), sink_(sink) {}

  Result<> add(DirectoryChange change) {
    changes_.push_back(std::move(change));
    if (changes_.size() < part_) return {};
    return flush();
  }
  Result<> flush() {
    if (changes_.empty()) return {};
    return sink_(std::exchange(changes_, {}));
  }

 private:
  std::size_t part_;
  const ChangeSink& sink_;
  std::vector<DirectoryChange> changes_;
};

DirectoryChange read_user(const Query& row) {
  return wire::UserPut{.name = row.string(0),
                       .admin = row.integer(1) != 0,
                       .disabled = row.integer(2) != 0,
                       .scram = row.string(3)};
}

DirectoryChange read_token(const Query& row) {
  return wire::TokenPut{
      .id = row.string(0), .user = row.string(1), .sha256 = row.string(2), .expires_ms = row.integer(3)};
}

DirectoryChange read_room(const Query& row) {
  return wire::RoomPut{.id = row.number(0),
                       .name = row.string(1),
                       .kind = static_cast<wire::RoomKind>(row.integer(2)),
                       .epoch = row.string(3),
                       .last_seq = row.number(4),
                       .slow_s = static_cast<std::uint32_t>(row.integer(5))};
}

DirectoryChange read_member(const Query& row) {
  return wire::MemberPut{.room = row.number(0),
                         .user = row.string(1),
                         .role = static_cast<wire::Role>(row.integer(2)),
                         .banned = row.integer(3) != 0};
}

DirectoryChange read_mute(const Query& row) {
  return wire::MutePut{.room = row.number(0), .user = row.string(1), .until_ms = row.integer(2)};
}

DirectoryChange read_block(const Query& row) {
  return wire::NameBlock{.salt = row.string(0), .digest = row.string(1)};
}

struct Source {
  std::string_view sql;
  DirectoryChange (*read)(const Query& row);
};

// Numbers of quarantined messages have been given, so they are not to be given again.
constexpr Source kSources[] = {
    {"SELECT name, admin, disabled, scram FROM users", read_user},
    {"SELECT id, user, sha256, expires_at FROM tokens", read_token},
    {"SELECT id, name, kind, epoch,"
     " max(last_seq, coalesce((SELECT max(seq) FROM quarantine q WHERE q.room_id = rooms.id), 0)), slow_s"
     " FROM rooms WHERE deleted = 0 AND orphaned = 0",
     read_room},
    {"SELECT room_id, user, role, 0 FROM members", read_member},
    {"SELECT room_id, user, 0, 1 FROM bans", read_member},
    {"SELECT room_id, user, until FROM mutes", read_mute},
    {"SELECT salt, digest FROM erasures", read_block},
};

}  // namespace

Result<> stream_directory(SqliteConnection& connection, std::uint32_t part, const ChangeSink& sink) {
  Parts parts(part, sink);
  for (const auto& source : kSources) {
    auto row = connection.query(source.sql);
    while (row.step()) {
      if (auto taken = parts.add(source.read(row)); !taken) return taken;
    }
  }
  return parts.flush();
}

}  // namespace parley::backend
