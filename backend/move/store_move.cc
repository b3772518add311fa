#include "backend/move/store_move.h"

#include <map>
#include <span>
#include <string>
#include <vector>

#include "backend/move/moved_rows.h"
#include "backend/store/postgres_erase.h"
#include "backend/store/postgres_pool.h"
#include "backend/store/postgres_schema.h"
#include "backend/store/sqlite_database.h"
#include "backend/store/sqlite_seal.h"
#include "base/crc32c.h"

namespace parley::backend {
namespace {

constexpr int kChunk = 2000;              // rows of one statement
constexpr std::uint64_t kFewRows = 5000;  // may be left for the end, when nobody else may write
constexpr int kRoundsMax = 100;           // of copying what was added meanwhile

// Of messages in the order of their numbers, whichever database they were read from.
struct Sum {
  std::uint64_t count = 0;
  std::uint64_t last = 0;
  std::uint32_t crc = 0;

  void add(std::string_view bytes) {
    const auto size = std::to_string(bytes.size()) + ":";
    crc = crc32c(std::as_bytes(std::span(size)), crc);
    crc = crc32c(std::as_bytes(std::span(bytes)), crc);
  }
  template <class Row>
  void add_row(const Row& row, std::string_view id) {
    ++count;
    last = row.number(0);
    add(std::to_string(row.number(0)));
    add(id);
    add(std::to_string(row.integer(2)));
    for (const int text : {3, 4, 5, 7}) add(row.text(text));
    for (const int number : {6, 8, 9, 10, 11}) add(std::to_string(row.integer(number)));
  }
  bool operator==(const Sum&) const = default;
};

struct RoomToMove {
  std::uint64_t id;
  std::string name;
};

class Move {
 public:
  Move(std::shared_ptr<SqliteDatabase> from, PostgresPool& to, const Clock& clock,
       const std::function<bool(const MoveProgress&)>& tell)
      : from_(std::move(from)), to_(to), clock_(clock), tell_(tell) {}

  Result<Moved> run() {
    if (auto fit = check_target(); !fit) return std::unexpected(fit.error());
    auto met = from_->read([&](SqliteConnection& source) { return meet_erasures(source); });
    if (!met) return std::unexpected(met.error());
    if (auto copied = copy_beside_writers(); !copied) return std::unexpected(copied.error());
    if (auto checked = check_beside_writers(); !checked) return std::unexpected(checked.error());
    auto done = from_->write([&](SqliteConnection& source) { return finish(source); });
    if (!done) return std::unexpected(done.error());
    return moved_;
  }

 private:
  Result<> check_target();
  Result<> meet_erasures(SqliteConnection& source);
  Result<> copy_beside_writers();
  template <class Work>
  Result<std::uint64_t> room_by_room(Work work);
  Result<std::uint64_t> copy_room(SqliteConnection& source, const RoomToMove& room);
  Result<> check_beside_writers();
  Result<> bring_deletions(SqliteConnection& source, const RoomToMove& room);
  Result<> bring_expiry(SqliteConnection& source, const RoomToMove& room);
  Result<> check_room(SqliteConnection& source, const RoomToMove& room);
  Result<bool> equal_from(SqliteConnection& source, const RoomToMove& room, std::uint64_t after,
                          std::uint64_t& last);
  Result<> copy_tables(SqliteConnection& source, PostgresConnection& target);
  Result<> finish(SqliteConnection& source);
  static std::vector<RoomToMove> rooms(SqliteConnection& source);
  Result<> tell(const char* what, std::uint64_t done) {
    if (tell_({what, done, total_})) return {};
    return fail(Errc::unavailable, "Stopped. The same command goes on where this one was.");
  }

  const std::shared_ptr<SqliteDatabase> from_;
  PostgresPool& to_;
  const Clock& clock_;
  const std::function<bool(const MoveProgress&)>& tell_;
  const char* phase_ = "copying";
  std::uint64_t total_ = 0;
  std::map<std::uint64_t, std::uint64_t> checked_;  // room → up to which number both are known to be equal
  Moved moved_;
};

// Nothing there, or this very installation in a state no newer than ours.
Result<> Move::check_target() {
  struct State {
    std::string id;
    std::uint64_t version, generation;
    bool used;
  };
  auto ours = from_->read([](SqliteConnection& c) -> Result<State> {
    auto row = c.query("SELECT directory_id, version, generation FROM meta");
    row.step();
    return State{row.string(0), row.number(1), row.number(2), true};
  });
  if (!ours) return std::unexpected(ours.error());
  auto theirs = to_.read([](PostgresConnection& c) -> Result<State> {
    auto rows = c.query(
        "SELECT directory_id, version, generation, version > 0 OR generation > 0 OR EXISTS (SELECT FROM "
        "users)"
        " FROM directory, feed_position");
    return State{rows[0].string(0), rows[0].number(1), rows[0].number(2), rows[0].flag(3)};
  });
  if (!theirs) return std::unexpected(theirs.error());
  if (!theirs->used) return {};
  if (theirs->id != ours->id)
    return fail(Errc::invalid_argument,
                "The new database holds another installation. Move into an empty one.");
  if (theirs->version > ours->version || theirs->generation > ours->generation)
    return fail(Errc::invalid_argument, "The new database is in use already, and is ahead of the old one.");
  return {};
}

// An erase changes messages that were copied already. So none may be under way, and the copy must have been begun after the last
// one: its names are written down there at once.
Result<> Move::meet_erasures(SqliteConnection& source) {
  if (source.query("SELECT 1 FROM erasures WHERE done_at = 0 LIMIT 1").step())
    return fail(Errc::unavailable, "A user is being erased. Move when that is done (parleyctl user erasures).");
  std::vector<ErasedName> names;
  {
    auto row = source.query("SELECT salt, digest, pseudonym FROM erased_names ORDER BY digest");
    while (row.step()) names.push_back({row.string(0), row.string(1), row.string(2)});
  }
  return to_.write([&](PostgresConnection& target) -> Result<> {
    std::vector<ErasedName> known;
    for (auto row : target.query("SELECT salt, digest, pseudonym FROM erased_names ORDER BY digest"))
      known.push_back({row.string(0), row.string(1), row.string(2)});
    if (known == names) return {};
    if (!target.query("SELECT 1 FROM messages LIMIT 1").empty())
      return fail(Errc::invalid_argument, "A user was erased after the copy was begun. Move into an empty database.");
    for (const auto& name : names) block_name(target, name);
    return {};
  });
}

std::vector<RoomToMove> Move::rooms(SqliteConnection& source) {
  std::vector<RoomToMove> rooms;
  auto row = source.query("SELECT id, name FROM rooms WHERE deleted = 0 ORDER BY id");
  while (row.step()) rooms.push_back({row.number(0), row.string(1)});
  return rooms;
}

Result<> Move::copy_beside_writers() {
  auto total = from_->read([](SqliteConnection& c) -> Result<std::uint64_t> {
    auto row = c.query("SELECT coalesce(sum(messages), 0) FROM rooms WHERE deleted = 0");
    row.step();
    return row.number(0);
  });
  if (!total) return std::unexpected(total.error());
  total_ = *total;
  for (int round = 0; round < kRoundsMax; ++round) {
    auto copied = room_by_room(
        [&](SqliteConnection& source, const RoomToMove& room) { return copy_room(source, room); });
    if (!copied) return std::unexpected(copied.error());
    if (*copied < kFewRows) return {};
  }
  return {};
}

// Each in a read of its own: what is read at once keeps the old database's log from being folded.
template <class Work>
Result<std::uint64_t> Move::room_by_room(Work work) {
  auto all =
      from_->read([](SqliteConnection& source) -> Result<std::vector<RoomToMove>> { return rooms(source); });
  if (!all) return std::unexpected(all.error());
  std::uint64_t rows = 0;
  for (const auto& room : *all) {
    auto done = from_->read([&](SqliteConnection& source) { return work(source, room); });
    if (!done) return done;
    rows += *done;
  }
  return rows;
}

// What of this room is not there yet: rooms only grow, at their end. (Messages that are deleted: bring_deletions; that
// expire: bring_expiry.)
Result<std::uint64_t> Move::copy_room(SqliteConnection& source, const RoomToMove& room) {
  auto after = to_.read([&](PostgresConnection& target) -> Result<std::uint64_t> {
    return target.query("SELECT coalesce(max(seq), 0) FROM messages WHERE room_id = $1", room.id)[0].number(
        0);
  });
  if (!after) return after;
  std::uint64_t copied = 0, last = *after;
  for (int got = kChunk; got == kChunk; copied += static_cast<std::uint64_t>(got)) {
    MovedRows rows(kMovedMessages);
    {
      auto row = source.query(kMovedMessages.read, room.id, last, kChunk);
      while (row.step()) {
        last = row.number(1);
        rows.add(row);
      }
    }
    got = rows.count();
    auto written = to_.write([&](PostgresConnection& target) -> Result<> {
      rows.write(target);
      return {};
    });
    if (!written) return std::unexpected(written.error());
    moved_.copied += static_cast<std::uint64_t>(got);
    if (auto on = tell(phase_, moved_.copied); !on) return std::unexpected(on.error());
  }
  return copied;
}

Result<> Move::check_beside_writers() {
  std::uint64_t done = 0;
  auto checked = room_by_room([&](SqliteConnection& source, const RoomToMove& room) -> Result<std::uint64_t> {
    if (auto same = check_room(source, room); !same) return std::unexpected(same.error());
    done += checked_[room.id];
    if (auto on = tell("checking", done); !on) return std::unexpected(on.error());
    return 0;
  });
  return checked ? Result<>() : std::unexpected(checked.error());
}

// Messages that lost their content after they were copied. Those of one room, so few beside its messages.
Result<> Move::bring_deletions(SqliteConnection& source, const RoomToMove& room) {
  MovedRows rows(kMovedDeletions);
  auto write = [&](PostgresConnection& target) -> Result<> {
    rows.write(target);
    return {};
  };
  auto row = source.query(kMovedDeletions.read, room.id);
  while (row.step()) {
    rows.add(row);
    if (rows.count() < kChunk) continue;
    if (auto written = to_.write(write); !written) return written;
  }
  return rows.count() > 0 ? to_.write(write) : Result<>();
}

// Messages that expired after they were copied.
Result<> Move::bring_expiry(SqliteConnection& source, const RoomToMove& room) {
  auto row = source.query("SELECT expired FROM rooms WHERE id = ?", room.id);
  const auto expired = row.step() ? row.number(0) : 0;
  if (expired == 0) return {};
  return to_.write([&](PostgresConnection& target) -> Result<> {
    target.query("DELETE FROM messages WHERE room_id = $1 AND seq <= $2", room.id, expired);
    return {};
  });
}

#define PARLEY_COMPARED "envelope, coalesce(target, 0), coalesce(thread, 0), deleted, counted FROM messages"

// Whether the next messages after `after` are the same in both; `last` is the copy's last of them, 0 when it has none.
Result<bool> Move::equal_from(SqliteConnection& source, const RoomToMove& room, std::uint64_t after,
                              std::uint64_t& last) {
  Sum ours, theirs;
  auto read = to_.read([&](PostgresConnection& target) -> Result<> {
    theirs = {};
    for (auto row : target.query("SELECT seq, id, at, sender, type, ref, flags::bigint, " PARLEY_COMPARED
                                 " WHERE room_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
                                 room.id, after, kChunk))
      theirs.add_row(row, row.bytes(1));
    return {};
  });
  if (!read) return std::unexpected(read.error());
  last = theirs.last;
  auto row = source.query("SELECT seq, id, at, sender, type, ref, flags, " PARLEY_COMPARED
                          " WHERE room_id = ? AND seq > ? AND seq <= ? ORDER BY seq",
                          room.id, after, theirs.last);
  while (row.step()) ours.add_row(row, row.text(1));
  return ours == theirs;
}

#undef PARLEY_COMPARED

// Both databases' messages of a room, from where they were last known to be equal to the end of the copy. What is
// deleted or expires meanwhile differs once.
Result<> Move::check_room(SqliteConnection& source, const RoomToMove& room) {
  auto& after = checked_[room.id];
  for (bool again = false;;) {
    std::uint64_t last = 0;
    auto equal = equal_from(source, room, after, last);
    if (!equal) return std::unexpected(equal.error());
    if (!*equal && again) {
      return fail(Errc::corrupt, "The copy of room " + room.name + " differs between messages " +
                                     std::to_string(after + 1) + " and " + std::to_string(last) +
                                     ". Move into an empty database.");
    }
    again = !*equal;
    if (again) {
      if (auto brought = bring_expiry(source, room); !brought) return brought;
      if (auto brought = bring_deletions(source, room); !brought) return brought;
      continue;
    }
    if (last == 0) return {};
    after = last;
  }
}

// Nobody else writes to the old database until this is over.
Result<> Move::finish(SqliteConnection& source) {
  phase_ = "finishing";
  if (auto met = meet_erasures(source); !met) return met;
  if (auto on = tell(phase_, moved_.copied); !on) return on;
  std::uint64_t there = 0;
  for (const auto& room : rooms(source)) {
    if (auto copied = copy_room(source, room); !copied) return std::unexpected(copied.error());
    if (auto brought = bring_expiry(source, room); !brought) return brought;
    if (auto brought = bring_deletions(source, room); !brought) return brought;
    if (auto same = check_room(source, room); !same) return same;
    auto row =
        source.query("SELECT count(*), coalesce(max(seq), 0) FROM messages WHERE room_id = ?", room.id);
    row.step();
    there += row.number(0);
    if (row.number(0) > 0 && row.number(1) != checked_[room.id])
      return fail(Errc::corrupt, "The copy of room " + room.name + " ends before the room does.");
    ++moved_.rooms;
  }
  moved_.messages = there;
  auto copied = to_.write([&](PostgresConnection& target) { return copy_tables(source, target); });
  if (!copied) return copied;
  seal_sqlite(source, to_.address().shown(), clock_.wall());
  return {};
}

Result<> Move::copy_tables(SqliteConnection& source, PostgresConnection& target) {
  target.execute(
      "DELETE FROM quarantine; DELETE FROM directory_log; DELETE FROM bans; DELETE FROM members;"
      "DELETE FROM mutes; DELETE FROM invitations; DELETE FROM join_links; DELETE FROM audit;"
      "DELETE FROM tokens; DELETE FROM room_progress; DELETE FROM rooms; DELETE FROM users;"
      "DELETE FROM erasures; DELETE FROM erased_names; DELETE FROM erased_rooms;"
      "DELETE FROM edits; DELETE FROM reactions; DELETE FROM threads; DELETE FROM mentions;"
      "DELETE FROM held_messages");
  for (const auto& table : moved_tables()) {
    MovedRows rows(table);
    std::int64_t count = 0;
    auto row = source.query(table.read);
    for (; row.step(); ++count) {
      rows.add(row);
      if (rows.count() == kChunk) rows.write(target);
    }
    rows.write(target);
    if (target.execute(std::string("SELECT count(*) FROM ") + table.name)[0].text(0) != std::to_string(count))
      return fail(Errc::corrupt,
                  std::string("The copy of table ") + table.name + " has not all of its rows.");
    if (table.name == std::string_view("users")) moved_.users = static_cast<std::uint64_t>(count);
  }
  auto meta = source.query("SELECT directory_id, version, log_floor, journal, offset, generation FROM meta");
  meta.step();
  target.query("UPDATE directory SET directory_id = $1, version = $2, log_floor = $3", meta.text(0),
               meta.integer(1), meta.integer(2));
  target.query("UPDATE feed_position SET journal = $1, position = $2, generation = $3", meta.text(3),
               meta.integer(4), meta.integer(5));
  return {};
}

}  // namespace

Result<Moved> move_store(const std::filesystem::path& from, const PostgresAddress& to, const Clock& clock,
                         const std::function<bool(const MoveProgress&)>& tell) {
  std::error_code unreadable;
  if (!std::filesystem::exists(from, unreadable))
    return fail(Errc::invalid_argument, "There is no database " + from.string() + ".");
  auto source = SqliteDatabase::open(from, {}, clock);
  if (!source) return std::unexpected(source.error());
  PostgresPool pool(to, {.connections = 2}, clock);
  if (auto migrated = migrate_postgres(pool); !migrated) return std::unexpected(migrated.error());
  return Move(*std::move(source), pool, clock, tell).run();
}

}  // namespace parley::backend
