#include "backend/store/postgres_erase.h"

#include <set>

#include "backend/store/erase_rows.h"
#include "backend/store/postgres_links.h"
#include "backend/store/postgres_retention.h"
#include "backend/store/postgres_search.h"
#include "base/encoding.h"

namespace parley::backend {
namespace {

// A name in an envelope is there as it is, or with letters escaped. What is not worth a look comes without its columns.
constexpr std::string_view kLook =
    "SELECT m.room_id, m.seq, m.at, m.sender, m.type, m.ref, m.flags, coalesce(m.target, 0),"
    " coalesce(m.thread, 0), m.deleted, m.envelope,"
    " EXISTS (SELECT 1 FROM room_progress p WHERE p.room_id = m.room_id AND p.held)"
    " FROM (SELECT room_id, seq FROM messages WHERE (room_id, seq) > ($1, $2) ORDER BY room_id, seq LIMIT "
    "$3) n"
    " CROSS JOIN LATERAL (SELECT * FROM messages WHERE room_id = n.room_id AND seq = n.seq LIMIT 1) m"
    " WHERE m.sender = $4 OR position($5 in lower(m.envelope COLLATE \"C\")) > 0"
    " OR position('\\u00' in m.envelope) > 0 ORDER BY m.room_id, m.seq LIMIT $6";
// Where a stretch of that many ends; no row: there are no more.
constexpr std::string_view kEnd =
    "SELECT room_id, seq FROM (SELECT room_id, seq FROM messages WHERE (room_id, seq) > ($1, $2)"
    " ORDER BY room_id, seq LIMIT $3) n ORDER BY room_id DESC, seq DESC LIMIT 1";
constexpr std::string_view kRows =
    "SELECT m.room_id, m.seq, m.at, m.sender, m.type, m.ref, m.flags, coalesce(m.target, 0),"
    " coalesce(m.thread, 0), m.deleted, m.envelope FROM unnest($1::bigint[], $2::bigint[]) AS n(room_id, seq)"
    " CROSS JOIN LATERAL (SELECT * FROM messages WHERE room_id = n.room_id AND seq = n.seq LIMIT 1 FOR "
    "UPDATE) m";
constexpr std::string_view kLookAside =
    "SELECT room_id, seq, at, sender, type, ref, flags, 0, 0, 0, envelope, id::text FROM quarantine"
    " WHERE (room_id, seq, id::text) > ($1, $2, $3::text) ORDER BY room_id, seq, id::text LIMIT $4";

ErasableRow read_row(const PostgresRows::Row& row) {
  return {.place = {row.number(0), row.number(1)},
          .at_ms = row.integer(2),
          .sender = row.string(3),
          .type = row.string(4),
          .ref = row.string(5),
          .flags = static_cast<std::uint8_t>(row.integer(6)),
          .target = row.number(7),
          .thread = row.number(8),
          .deleted = row.number(9),
          .envelope = row.string(10)};
}

EraseStretch look(PostgresConnection& connection, const ErasedUser& who, const ErasePlace& from) {
  EraseStretch found{.next = from};
  const auto of = only(who.user, who.pseudonym);
  auto end = connection.query(kEnd, from.room_id, from.seq, kErasedLooksMax);
  found.finished = end.empty();
  if (found.finished) return found;
  found.next.room_id = end[0].number(0);
  found.next.seq = end[0].number(1);
  auto rows = connection.query(kLook, from.room_id, from.seq, kErasedLooksMax, who.user, fold_case(who.user),
                               kErasedRowsMax);
  for (auto row : rows) {
    const auto whole = read_row(row);
    if (static_cast<int>(rows.size()) == kErasedRowsMax) {
      found.next.room_id = whole.place.first;
      found.next.seq = whole.place.second;
    }
    if (!erase_row(whole, of)) continue;
    if (row.flag(11)) {
      found.held = true;
      continue;
    }
    found.add(whole.place);
  }
  return found;
}

// Rows as they are written.
struct Columns {
  PostgresArray rooms = PostgresArray::of_bigint(), seqs = PostgresArray::of_bigint(),
                senders = PostgresArray::of_text(), types = PostgresArray::of_text(),
                refs = PostgresArray::of_text(), envelopes = PostgresArray::of_text(),
                deleted = PostgresArray::of_bigint();
};

class Writing {
 public:
  Writing(PostgresConnection& connection, const ErasedUser& who) : connection_(connection), who_(who) {}

  void add(const ErasableRow& row, const ErasedRow& erased) {
    const auto [room, seq] = row.place;
    const auto& after = erased.after;
    columns_.rooms.add(room);
    columns_.seqs.add(seq);
    columns_.senders.add(after.from);
    columns_.types.add(after.type);
    columns_.refs.add(after.ref);
    columns_.envelopes.add(after.envelope);
    columns_.deleted.add(erased.loses_content ? seq : row.deleted);
    add_effects(row, erased, effects_);
    if (after.own && row.type == "reaction") {
      reaction_rooms_.add(room);
      reaction_targets_.add(row.target);
    }
    if (after.own) return;
    other_rooms_.add(room);
    other_seqs_.add(seq);
    if (row.deleted > 0) return;
    again_.push_back({room, row.type == "edit" ? row.target : seq});
  }

  void write() {
    if (columns_.rooms.empty()) return;
    connection_.query(
        "UPDATE messages m SET sender = n.c, type = n.d, ref = n.e, envelope = n.f, deleted = n.g"
        " FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], "
        "$7::bigint[])"
        " AS n(a, b, c, d, e, f, g) WHERE m.room_id = n.a AND m.seq = n.b"
        " AND m.room_id = ANY($1::bigint[]) AND m.seq = ANY($2::bigint[])",
        columns_.rooms, columns_.seqs, columns_.senders, columns_.types, columns_.refs, columns_.envelopes,
        columns_.deleted);
    connection_.query(
        "DELETE FROM reactions r USING unnest($1::bigint[], $2::bigint[]) AS n(room_id, target)"
        " WHERE r.room_id = n.room_id AND r.target = n.target AND r.user_name = $3"
        " AND r.room_id = ANY($1::bigint[]) AND r.target = ANY($2::bigint[])",
        reaction_rooms_, reaction_targets_, who_.user);
    connection_.query(
        "DELETE FROM mentions t USING unnest($1::bigint[], $2::bigint[]) AS n(room_id, seq)"
        " WHERE t.room_id = n.room_id AND t.seq = n.seq AND t.user_key = $3"
        " AND t.room_id = ANY($1::bigint[]) AND t.seq = ANY($2::bigint[])",
        other_rooms_, other_seqs_, fold_case(who_.user));
    write_effects(connection_, effects_);
    for (const auto& place : again_) index_again(connection_, place);
  }

 private:
  PostgresConnection& connection_;
  const ErasedUser& who_;
  Columns columns_;
  PostgresArray reaction_rooms_ = PostgresArray::of_bigint(), reaction_targets_ = PostgresArray::of_bigint(),
                other_rooms_ = PostgresArray::of_bigint(), other_seqs_ = PostgresArray::of_bigint();
  BatchLinks::Effects effects_;
  std::vector<Place> again_;
};

// The rooms' rows are locked as storing does, so that the two can't wait for each other; the rooms themselves against indexing.
void write_rows(PostgresConnection& connection, const ErasedUser& who, const EraseStretch& found) {
  auto ids = PostgresArray::of_bigint(), rooms = PostgresArray::of_bigint(),
       seqs = PostgresArray::of_bigint();
  for (const auto room : found.rooms) ids.add(room);
  for (const auto& [room, seq] : found.places) {
    rooms.add(room);
    seqs.add(seq);
  }
  for (const auto room : found.rooms) lock_index(connection, room);
  std::set<std::uint64_t> held;
  for (auto row : connection.query(
           "SELECT room_id, held FROM room_progress WHERE room_id = ANY($1) ORDER BY room_id FOR UPDATE",
           ids))
    if (row.flag(1)) held.insert(row.number(0));
  const auto of = only(who.user, who.pseudonym);
  Writing writing(connection, who);
  for (auto row : connection.query(kRows, rooms, seqs)) {
    const auto whole = read_row(row);
    if (held.contains(whole.place.first)) continue;
    if (const auto erased = erase_row(whole, of)) writing.add(whole, *erased);
  }
  writing.write();
  connection.query("UPDATE room_progress SET rewritten = rewritten + $2 WHERE room_id = ANY($1)", ids,
                   kErasedOnce);
}

Result<EraseStep> erase_messages(PostgresPool& pool, const ErasedUser& who, const ErasePlace& from,
                                 const MessageStore::NoteRooms& note) {
  auto found = pool.read_consistent(
      [&](PostgresConnection& connection) -> Result<EraseStretch> { return look(connection, who, from); });
  if (!found) return std::unexpected(found.error());
  const EraseStep step = found->step();
  if (found->places.empty()) return step;
  if (auto noted = note(found->rooms); !noted) return std::unexpected(noted.error());
  auto written = pool.write([&](PostgresConnection& connection) -> Result<> {
    write_rows(connection, who, *found);
    return {};
  });
  if (!written) return std::unexpected(written.error());
  return step;
}

Result<EraseStep> erase_aside(PostgresPool& pool, const ErasedUser& who, const ErasePlace& from) {
  return pool.write([&](PostgresConnection& connection) -> Result<EraseStep> {
    EraseStep step{.next = from};
    auto rows = connection.query(kLookAside, from.room_id, from.seq, from.id, kErasedRowsMax);
    for (auto row : rows) {
      const auto whole = read_row(row);
      step.next.room_id = whole.place.first;
      step.next.seq = whole.place.second;
      step.next.id = row.string(11);
      const auto erased = erase_row(whole, only(who.user, who.pseudonym));
      if (!erased) continue;
      ++step.changed;
      connection.query(
          "UPDATE quarantine SET sender = $4, type = $5, ref = $6, envelope = $7"
          " WHERE room_id = $1 AND seq = $2 AND id = $3::text::uuid",
          whole.place.first, whole.place.second, step.next.id, erased->after.from, erased->after.type,
          erased->after.ref, erased->after.envelope);
    }
    step.finished = static_cast<int>(rows.size()) < kErasedRowsMax;
    return step;
  });
}

}  // namespace

Result<EraseStep> erase_stored(PostgresPool& pool, const ErasedUser& who, const ErasePlace& from,
                               const MessageStore::NoteRooms& note) {
  if (from.part == ErasePlace::Part::messages) return erase_messages(pool, who, from, note);
  return erase_aside(pool, who, from);
}

void block_name(PostgresConnection& connection, const ErasedName& name) {
  connection.query("SELECT 1 FROM feed_position FOR UPDATE");
  connection.query(
      "INSERT INTO erased_names(digest, salt, pseudonym) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
      name.digest, name.salt, name.pseudonym);
  connection.query("UPDATE feed_position SET erased = (SELECT count(*) FROM erased_names)");
}

void load_erased(PostgresConnection& connection, ErasedNames& names) {
  std::vector<ErasedName> all;
  for (auto row : connection.query("SELECT salt, digest, pseudonym FROM erased_names"))
    all.push_back({row.string(0), row.string(1), row.string(2)});
  names.load(std::move(all));
}

}  // namespace parley::backend
