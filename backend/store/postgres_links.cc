#include "backend/store/postgres_links.h"

#include "backend/store/notes_rows.h"
#include "backend/store/postgres_retention.h"
#include "backend/store/postgres_search.h"

namespace parley::backend {
namespace {

// What is joined to unnest() is looked up row by row, by LATERAL with LIMIT or OFFSET, or by a second condition = ANY
// (postgres_connection.cc says why).
#define PARLEY_PLACES " FROM unnest($1::bigint[], $2::bigint[]) AS n(room_id, seq)"
// The envelope up to its content, as wire::erased() has it.
#define PARLEY_ERASE(column)                                                                              \
  "UPDATE messages m SET deleted = n.deleted, envelope = left(m.envelope, strpos(m.envelope,"             \
  " ',\"content\":') + 10) || '{},\"deleted\":' || n.text || '}' FROM unnest($1::bigint[], $2::bigint[]," \
  " $3::bigint[], $4::text[]) AS n(room_id, seq, deleted, text)"                                          \
  " WHERE m.room_id = n.room_id AND m." column                                                            \
  " = n.seq"                                                                                              \
  " AND m.room_id = ANY($1::bigint[]) AND m." column " = ANY($2::bigint[])"

// NotesRows::add() tells what the columns are.
constexpr std::string_view kNotes =
    "WITH n AS MATERIALIZED (SELECT *" PARLEY_PLACES
    ")"
    " SELECT 1::bigint, n.room_id, n.seq, e.seq, m.at, m.envelope, ''::text, 0::bigint FROM n"
    " CROSS JOIN LATERAL (SELECT seq FROM edits WHERE room_id = n.room_id AND target = n.seq LIMIT 1) AS e"
    " CROSS JOIN LATERAL (SELECT at, envelope FROM messages WHERE room_id = n.room_id AND seq = e.seq LIMIT "
    "1) AS m"
    " UNION ALL SELECT 2, n.room_id, n.seq, t.last_seq, t.replies, '', '', 0 FROM n"
    " CROSS JOIN LATERAL (SELECT last_seq, replies FROM threads WHERE room_id = n.room_id AND root = n.seq "
    "LIMIT 1) AS t"
    " UNION ALL SELECT 3, n.room_id, n.seq, r.seq, r.times, r.key, r.user_name, r.first FROM n"
    " CROSS JOIN LATERAL ("
    "  SELECT *, dense_rank() OVER (ORDER BY first) AS nth_key FROM ("
    "   SELECT key, user_name, seq, count(*) OVER (PARTITION BY key) AS times,"
    "    min(seq) OVER (PARTITION BY key) AS first, row_number() OVER (PARTITION BY key ORDER BY seq) AS nth"
    "   FROM reactions WHERE room_id = n.room_id AND target = n.seq OFFSET 0) AS counted) AS r"
    " WHERE r.nth_key <= $3 AND r.nth <= $4 ORDER BY 1, 2, 3, 8, 4";

void write_edits(PostgresConnection& connection, const BatchLinks::Effects& effects) {
  if (effects.edits.empty()) return;
  auto rooms = PostgresArray::of_bigint(), targets = PostgresArray::of_bigint(),
       seqs = PostgresArray::of_bigint();
  for (const auto& [place, seq] : effects.edits) {
    rooms.add(place.first);
    targets.add(place.second);
    seqs.add(seq);
  }
  connection.query(
      "INSERT INTO edits(room_id, target, seq) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])"
      " ON CONFLICT (room_id, target) DO UPDATE SET seq = excluded.seq",
      rooms, targets, seqs);
}

struct Reactions {
  PostgresArray rooms = PostgresArray::of_bigint(), targets = PostgresArray::of_bigint(),
                keys = PostgresArray::of_text(), users = PostgresArray::of_text(),
                seqs = PostgresArray::of_bigint();
};

void write_reactions(PostgresConnection& connection, const BatchLinks::Effects& effects) {
  Reactions stand, gone;
  for (const auto& [reaction, seq] : effects.reactions) {
    const auto& [room, target, key, user] = reaction;
    auto& rows = seq == 0 ? gone : stand;
    rows.rooms.add(room);
    rows.targets.add(target);
    rows.keys.add(key);
    rows.users.add(user);
    rows.seqs.add(seq);
  }
  if (!stand.rooms.empty()) {
    connection.query(
        "INSERT INTO reactions(room_id, target, key, user_name, seq)"
        " SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[])"
        " ON CONFLICT (room_id, target, key, user_name) DO UPDATE SET seq = excluded.seq",
        stand.rooms, stand.targets, stand.keys, stand.users, stand.seqs);
  }
  if (!gone.rooms.empty()) {
    connection.query(
        "DELETE FROM reactions r USING unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[])"
        " AS n(room_id, target, key, user_name) WHERE r.room_id = n.room_id AND r.target = n.target"
        " AND r.key = n.key AND r.user_name = n.user_name"
        " AND r.room_id = ANY($1::bigint[]) AND r.target = ANY($2::bigint[])",
        gone.rooms, gone.targets, gone.keys, gone.users);
  }
}

void write_threads(PostgresConnection& connection, const BatchLinks::Effects& effects) {
  if (effects.replies.empty()) return;
  auto rooms = PostgresArray::of_bigint(), roots = PostgresArray::of_bigint(),
       added = PostgresArray::of_bigint(), lasts = PostgresArray::of_bigint();
  for (const auto& [place, replies] : effects.replies) {
    rooms.add(place.first);
    roots.add(place.second);
    added.add(replies.added);
    lasts.add(replies.last_seq);
  }
  connection.query(
      "INSERT INTO threads(room_id, root, replies, last_seq)"
      " SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])"
      " ON CONFLICT (room_id, root) DO UPDATE SET replies = threads.replies + excluded.replies,"
      " last_seq = excluded.last_seq",
      rooms, roots, added, lasts);
}

void write_mentions(PostgresConnection& connection, const BatchLinks::Effects& effects) {
  if (effects.mentions.empty()) return;
  auto rooms = PostgresArray::of_bigint(), names = PostgresArray::of_text(),
       seqs = PostgresArray::of_bigint();
  for (const auto& [place, name] : effects.mentions) {
    rooms.add(place.first);
    names.add(name);
    seqs.add(place.second);
  }
  connection.query(
      "INSERT INTO mentions(room_id, user_key, seq) SELECT * FROM unnest($1::bigint[], $2::text[], "
      "$3::bigint[])",
      rooms, names, seqs);
}

void erase(PostgresConnection& connection, const BatchLinks::Effects& effects) {
  if (effects.deletions.empty()) return;
  auto rooms = PostgresArray::of_bigint(), seqs = PostgresArray::of_bigint(), by = PostgresArray::of_bigint(),
       own_texts = PostgresArray::of_text(), texts = PostgresArray::of_text();
  for (const auto& [place, deletion] : effects.deletions) {
    rooms.add(place.first);
    seqs.add(place.second);
    by.add(deletion.seq);
    own_texts.add(wire::deletion_text(deletion, effects.thread_of(place)));
    texts.add(wire::deletion_text(deletion));
  }
  keep_aside(connection, rooms, seqs);
  connection.query(PARLEY_ERASE("seq"), rooms, seqs, by, own_texts);
  connection.query(
      PARLEY_ERASE("target") " AND m.seq > m.target AND m.type IN ('edit', 'reaction') AND m.deleted = 0",
      rooms, seqs, by, texts);
#define PARLEY_GONE(table, column)                        \
  "DELETE FROM " table " t USING (SELECT *" PARLEY_PLACES \
  ") n WHERE t.room_id = n.room_id"                       \
  " AND t." column " = n.seq AND t.room_id = ANY($1::bigint[]) AND t." column " = ANY($2::bigint[])"
  connection.query(PARLEY_GONE("edits", "target"), rooms, seqs);
  connection.query(PARLEY_GONE("reactions", "target"), rooms, seqs);
  connection.query(PARLEY_GONE("mentions", "seq"), rooms, seqs);
  unindex(connection, rooms, seqs);
#undef PARLEY_GONE
}

void recount_threads(PostgresConnection& connection, const BatchLinks::Effects& effects) {
  if (effects.lost_replies.empty()) return;
  auto rooms = PostgresArray::of_bigint(), roots = PostgresArray::of_bigint();
  for (const auto& [place, root] : effects.lost_replies) {
    rooms.add(place.first);
    roots.add(root);
  }
  connection.query(
      "UPDATE threads t SET (replies, last_seq) = (SELECT count(*), coalesce(max(m.seq), 0) FROM messages m"
      " WHERE m.room_id = t.room_id AND m.thread = t.root AND m.deleted = 0)"
      " FROM (SELECT DISTINCT n.room_id, n.seq" PARLEY_PLACES
      ") n"
      " WHERE t.room_id = n.room_id AND t.root = n.seq AND t.room_id = ANY($1::bigint[]) AND t.root = "
      "ANY($2::bigint[])",
      rooms, roots);
}

}  // namespace

std::map<BatchLinks::Place, wire::Target> load_targets(PostgresConnection& connection,
                                                       const PostgresArray& rooms,
                                                       const PostgresArray& seqs) {
  std::map<BatchLinks::Place, wire::Target> found;
  auto rows = connection.query(
      "SELECT n.room_id, n.seq, m.sender, m.type, coalesce(m.thread, 0), m.deleted, coalesce(d.at, 0),"
      " coalesce(d.sender, '')" PARLEY_PLACES
      " CROSS JOIN LATERAL (SELECT sender, type, thread, deleted FROM messages"
      "  WHERE room_id = n.room_id AND seq = n.seq LIMIT 1) AS m"
      " LEFT JOIN LATERAL (SELECT at, sender FROM messages"
      "  WHERE room_id = n.room_id AND seq = m.deleted AND m.deleted <> 0 LIMIT 1) AS d ON true",
      rooms, seqs);
  for (auto row : rows) {
    found[{row.number(0), row.number(1)}] = {
        .seq = row.number(1),
        .from = row.string(2),
        .message = wire::is_message(row.text(3)),
        .thread = row.number(4),
        .deletion = {.seq = row.number(5), .at_ms = row.integer(6), .by = row.string(7)}};
  }
  return found;
}

std::map<Place, wire::Notes> read_notes(PostgresConnection& connection, std::span<const Place> messages) {
  auto rooms = PostgresArray::of_bigint(), seqs = PostgresArray::of_bigint();
  for (const auto& [room, seq] : messages) {
    rooms.add(room);
    seqs.add(seq);
  }
  NotesRows rows;
  for (auto row : connection.query(kNotes, rooms, seqs, wire::kReactionKeysTold, wire::kReactionUsersTold))
    rows.add(row);
  return std::move(rows).finish();
}

void write_effects(PostgresConnection& connection, const BatchLinks::Effects& effects) {
  write_edits(connection, effects);
  write_reactions(connection, effects);
  write_threads(connection, effects);
  write_mentions(connection, effects);
  erase(connection, effects);
  recount_threads(connection, effects);
}

void purge_links(PostgresConnection& connection, std::uint64_t room_id) {
  connection.query("DELETE FROM edits WHERE room_id = $1", room_id);
  connection.query("DELETE FROM reactions WHERE room_id = $1", room_id);
  connection.query("DELETE FROM threads WHERE room_id = $1", room_id);
  connection.query("DELETE FROM mentions WHERE room_id = $1", room_id);
  connection.query("DELETE FROM held_messages WHERE room_id = $1", room_id);
}

#undef PARLEY_ERASE
#undef PARLEY_PLACES

}  // namespace parley::backend
