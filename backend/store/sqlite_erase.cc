#include "backend/store/sqlite_erase.h"

#include <algorithm>

#include "backend/store/erase_rows.h"
#include "backend/store/sqlite_links.h"
#include "backend/store/sqlite_search.h"
#include "base/encoding.h"

namespace parley::backend {
namespace {

// A name in an envelope is there as it is, or with letters escaped.
#define PARLEY_WORTH_A_LOOK " sender = ?4 OR instr(lower(envelope), ?5) > 0 OR instr(envelope, '\\u00') > 0"
constexpr std::string_view kLook =
    "SELECT room_id, seq, " PARLEY_WORTH_A_LOOK
    " FROM messages WHERE (room_id, seq) > (?1, ?2) ORDER BY room_id, seq LIMIT ?3";
constexpr std::string_view kLookAside =
    "SELECT room_id, seq, id, at, sender, type, ref, flags, envelope FROM quarantine"
    " WHERE (room_id, seq, id) > (?1, ?2, ?3) ORDER BY room_id, seq, id LIMIT ?4";
#undef PARLEY_WORTH_A_LOOK
constexpr int kMergedPages = 200;  // of the full-text index, in one transaction

std::optional<ErasableRow> read_row(SqliteConnection& connection, Place place) {
  auto row = connection.query(
      "SELECT at, sender, type, ref, flags, coalesce(target, 0), coalesce(thread, 0), deleted, envelope"
      " FROM messages WHERE room_id = ? AND seq = ?",
      place.first, place.second);
  if (!row.step()) return std::nullopt;
  return ErasableRow{.place = place,
                     .at_ms = row.integer(0),
                     .sender = row.string(1),
                     .type = row.string(2),
                     .ref = row.string(3),
                     .flags = static_cast<std::uint8_t>(row.integer(4)),
                     .target = row.number(5),
                     .thread = row.number(6),
                     .deleted = row.number(7),
                     .envelope = row.string(8)};
}

bool is_held(SqliteConnection& connection, std::uint64_t room) {
  return connection.query("SELECT 1 FROM rooms WHERE id = ? AND held = 1", room).step();
}

EraseStretch look(SqliteConnection& connection, const ErasedUser& who, const ErasePlace& from) {
  EraseStretch found{.next = from};
  const auto key = fold_case(who.user);
  const auto of = only(who.user, who.pseudonym);
  int looks = 0;
  auto row = connection.query(kLook, from.room_id, from.seq, kErasedLooksMax, who.user, key);
  while (found.places.size() < kErasedRowsMax && row.step()) {
    ++looks;
    const Place place{row.number(0), row.number(1)};
    found.next.room_id = place.first;
    found.next.seq = place.second;
    if (row.integer(2) == 0) continue;
    const auto whole = read_row(connection, place);
    if (!whole || !erase_row(*whole, of)) continue;
    if (is_held(connection, place.first)) {
      found.held = true;
      continue;
    }
    found.add(place);
  }
  found.finished = looks < kErasedLooksMax && found.places.size() < kErasedRowsMax;
  return found;
}

void write_row(SqliteConnection& connection, const ErasableRow& row, const ErasedRow& erased) {
  const auto [room, seq] = row.place;
  const auto& after = erased.after;
  connection.run(
      "UPDATE messages SET sender = ?3, type = ?4, ref = ?5, envelope = ?6, deleted = ?7"
      " WHERE room_id = ?1 AND seq = ?2",
      room, seq, after.from, after.type, after.ref, after.envelope, erased.loses_content ? seq : row.deleted);
  if (after.own && row.type == "reaction")
    connection.run("DELETE FROM reactions WHERE room_id = ? AND target = ? AND user = ?", room, row.target,
                   row.sender);
}

void write_rows(SqliteConnection& connection, const ErasedUser& who, const std::vector<Place>& places) {
  BatchLinks::Effects effects;
  std::vector<Place> again;
  const auto of = only(who.user, who.pseudonym);
  const auto key = fold_case(who.user);
  for (const auto& place : places) {
    const auto row = read_row(connection, place);
    const auto erased = row ? erase_row(*row, of) : std::nullopt;
    if (!erased || is_held(connection, place.first)) continue;
    write_row(connection, *row, *erased);
    add_effects(*row, *erased, effects);
    if (erased->after.own) continue;
    connection.run("DELETE FROM mentions WHERE room_id = ? AND user_key = ? AND seq = ?", place.first, key,
                   place.second);
    if (row->deleted == 0) again.push_back({place.first, row->type == "edit" ? row->target : place.second});
  }
  write_effects(connection, effects);
  for (const auto& place : again) index_again(connection, place);
}

Result<EraseStep> erase_messages(SqliteDatabase& database, const ErasedUser& who, const ErasePlace& from,
                                 const MessageStore::NoteRooms& note) {
  auto found = database.read(
      [&](SqliteConnection& connection) -> Result<EraseStretch> { return look(connection, who, from); });
  if (!found) return std::unexpected(found.error());
  const EraseStep step = found->step();
  if (found->places.empty()) return step;
  if (auto noted = note(found->rooms); !noted) return std::unexpected(noted.error());
  auto written = database.write([&](SqliteConnection& connection) -> Result<> {
    write_rows(connection, who, found->places);
    for (const auto room : found->rooms)
      connection.run("UPDATE rooms SET rewritten = rewritten + ? WHERE id = ?", kErasedOnce, room);
    return {};
  });
  if (!written) return std::unexpected(written.error());
  return step;
}

struct AsideRow {
  std::string id;
  ErasableRow row;
};

Result<EraseStep> erase_aside(SqliteDatabase& database, const ErasedUser& who, const ErasePlace& from) {
  return database.write([&](SqliteConnection& connection) -> Result<EraseStep> {
    std::vector<AsideRow> rows;
    {
      auto row = connection.query(kLookAside, from.room_id, from.seq, Blob{from.id}, kErasedRowsMax);
      while (row.step())
        rows.push_back({row.string(2),
                        {.place = {row.number(0), row.number(1)},
                         .at_ms = row.integer(3),
                         .sender = row.string(4),
                         .type = row.string(5),
                         .ref = row.string(6),
                         .flags = static_cast<std::uint8_t>(row.integer(7)),
                         .envelope = row.string(8)}});
    }
    EraseStep step{.next = from};
    for (const auto& [id, row] : rows) {
      step.next.room_id = row.place.first;
      step.next.seq = row.place.second;
      step.next.id = id;
      const auto erased = erase_row(row, only(who.user, who.pseudonym));
      if (!erased) continue;
      ++step.changed;
      connection.run(
          "UPDATE quarantine SET sender = ?4, type = ?5, ref = ?6, envelope = ?7"
          " WHERE room_id = ?1 AND seq = ?2 AND id = ?3",
          row.place.first, row.place.second, Blob{id}, erased->after.from, erased->after.type,
          erased->after.ref, erased->after.envelope);
    }
    if (rows.size() < kErasedRowsMax) step.next = {.part = ErasePlace::Part::index};
    return step;
  });
}

// Words that were taken out stay in FTS5's segments until these are merged. `seq` 1: a merge of everything has begun.
Result<EraseStep> merge_index(SqliteDatabase& database, const ErasePlace& from) {
  return database.write([&](SqliteConnection& connection) -> Result<EraseStep> {
    EraseStep step{.next = from};
    step.next.seq = 1;
    const auto before = connection.total_changed();
    connection.run("INSERT INTO search_index(search_index, rank) VALUES ('merge', ?)",
                   from.seq == 0 ? -kMergedPages : kMergedPages);
    // The statement itself counts for one: fewer than two is the documented sign that there was nothing left to merge.
    step.finished = connection.total_changed() - before < 2;
    return step;
  });
}

}  // namespace

Result<EraseStep> erase_stored(SqliteDatabase& database, const ErasedUser& who, const ErasePlace& from,
                               const MessageStore::NoteRooms& note) {
  switch (from.part) {
    case ErasePlace::Part::messages:
      return erase_messages(database, who, from, note);
    case ErasePlace::Part::quarantine:
      return erase_aside(database, who, from);
    case ErasePlace::Part::index:
      return merge_index(database, from);
  }
  return fail(Errc::invalid_argument, "There is no such part.");
}

void block_name(SqliteConnection& connection, const ErasedName& name) {
  connection.run("INSERT INTO erased_names(digest, salt, pseudonym) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                 name.digest, name.salt, name.pseudonym);
  connection.run("UPDATE meta SET erased = (SELECT count(*) FROM erased_names)");
}

void load_erased(SqliteConnection& connection, ErasedNames& names) {
  {
    auto row = connection.query("SELECT erased FROM meta");
    if (!row.step() || row.number(0) == names.count()) return;
  }
  std::vector<ErasedName> all;
  auto row = connection.query("SELECT salt, digest, pseudonym FROM erased_names");
  while (row.step()) all.push_back({row.string(0), row.string(1), row.string(2)});
  names.load(std::move(all));
}

}  // namespace parley::backend
