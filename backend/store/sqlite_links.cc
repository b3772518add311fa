#include "backend/store/sqlite_links.h"

#include "backend/store/notes_rows.h"
#include "backend/store/sqlite_retention.h"
#include "backend/store/sqlite_search.h"

namespace parley::backend {
namespace {

// The envelope up to its content, as wire::erased() has it.
#define PARLEY_ERASE                  \
  "UPDATE messages SET deleted = ?3," \
  " envelope = substr(envelope, 1, instr(envelope, ',\"content\":') + 10) || '{},\"deleted\":' || ?4 || '}'"

void erase(SqliteConnection& connection, BatchLinks::Place place, const wire::Deletion& deletion,
           std::uint64_t thread) {
  const auto [room, seq] = place;
  const auto own_text = wire::deletion_text(deletion, thread), text = wire::deletion_text(deletion);
  keep_aside(connection, place);
  connection.run(PARLEY_ERASE " WHERE room_id = ?1 AND seq = ?2", room, seq, deletion.seq, own_text);
  connection.run(
      PARLEY_ERASE
      " WHERE room_id = ?1 AND target = ?2 AND seq > ?2 AND type IN ('edit', 'reaction') AND deleted = 0",
      room, seq, deletion.seq, text);
  connection.run("DELETE FROM edits WHERE room_id = ? AND target = ?", room, seq);
  connection.run("DELETE FROM reactions WHERE room_id = ? AND target = ?", room, seq);
  connection.run("DELETE FROM mentions WHERE room_id = ? AND seq = ?", room, seq);
  unindex(connection, place);
}

#undef PARLEY_ERASE

void write_reaction(SqliteConnection& connection, const BatchLinks::Reaction& reaction, std::uint64_t seq) {
  const auto& [room, target, key, user] = reaction;
  if (seq == 0) {
    connection.run("DELETE FROM reactions WHERE room_id = ? AND target = ? AND key = ? AND user = ?", room,
                   target, key, user);
    return;
  }
  connection.run(
      "INSERT INTO reactions(room_id, target, key, user, seq) VALUES (?, ?, ?, ?, ?)"
      " ON CONFLICT DO UPDATE SET seq = excluded.seq",
      room, target, key, user, seq);
}

// NotesRows::add() tells what the columns are. CROSS JOIN keeps the order of the tables: the messages asked for first.
constexpr std::string_view kNotes =
    "WITH n(room_id, seq) AS MATERIALIZED (SELECT value ->> 0, value ->> 1 FROM json_each(?1))"
    " SELECT 1, n.room_id, n.seq, m.seq, m.at, m.envelope, '', 0 AS first FROM n"
    " CROSS JOIN edits e ON e.room_id = n.room_id AND e.target = n.seq"
    " CROSS JOIN messages m ON m.room_id = e.room_id AND m.seq = e.seq"
    " UNION ALL SELECT 2, n.room_id, n.seq, t.last_seq, t.replies, '', '', 0 FROM n"
    " CROSS JOIN threads t ON t.room_id = n.room_id AND t.root = n.seq"
    " UNION ALL SELECT 3, room_id, target, seq, times, key, user, first FROM ("
    "  SELECT *, dense_rank() OVER (PARTITION BY room_id, target ORDER BY first) AS nth_key FROM ("
    "   SELECT r.*, count(*) OVER k AS times, min(r.seq) OVER k AS first,"
    "    row_number() OVER (PARTITION BY r.room_id, r.target, r.key ORDER BY r.seq) AS nth"
    "   FROM n CROSS JOIN reactions r ON r.room_id = n.room_id AND r.target = n.seq"
    "   WINDOW k AS (PARTITION BY r.room_id, r.target, r.key)))"
    " WHERE nth_key <= ?2 AND nth <= ?3 ORDER BY 1, 2, 3, 8, 4";

}  // namespace

std::optional<wire::Target> load_target(SqliteConnection& connection, BatchLinks::Place place) {
  auto row = connection.query(
      "SELECT m.sender, m.type, m.thread, m.deleted, d.at, d.sender FROM messages m"
      " LEFT JOIN messages d ON d.room_id = m.room_id AND d.seq = m.deleted WHERE m.room_id = ? AND m.seq = "
      "?",
      place.first, place.second);
  if (!row.step()) return std::nullopt;
  return wire::Target{.seq = place.second,
                      .from = row.string(0),
                      .message = wire::is_message(row.text(1)),
                      .thread = row.number(2),
                      .deletion = {.seq = row.number(3), .at_ms = row.integer(4), .by = row.string(5)}};
}

std::map<Place, wire::Notes> read_notes(SqliteConnection& connection, std::span<const Place> messages) {
  std::string places = "[";
  for (const auto& [room, seq] : messages) {
    if (places.size() > 1) places += ',';
    places.append("[").append(std::to_string(room)).append(",").append(std::to_string(seq)).append("]");
  }
  places += ']';
  auto row = connection.query(kNotes, places, wire::kReactionKeysTold, wire::kReactionUsersTold);
  NotesRows rows;
  while (row.step()) rows.add(row);
  return std::move(rows).finish();
}

void write_effects(SqliteConnection& connection, const BatchLinks::Effects& effects) {
  for (const auto& [place, seq] : effects.edits) {
    connection.run(
        "INSERT INTO edits(room_id, target, seq) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET seq = "
        "excluded.seq",
        place.first, place.second, seq);
  }
  for (const auto& [reaction, seq] : effects.reactions) write_reaction(connection, reaction, seq);
  for (const auto& [place, replies] : effects.replies) {
    connection.run(
        "INSERT INTO threads(room_id, root, replies, last_seq) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
        " SET replies = replies + excluded.replies, last_seq = excluded.last_seq",
        place.first, place.second, replies.added, replies.last_seq);
  }
  for (const auto& [place, name] : effects.mentions)
    connection.run("INSERT INTO mentions(room_id, user_key, seq) VALUES (?, ?, ?)", place.first, name,
                   place.second);
  for (const auto& [place, deletion] : effects.deletions)
    erase(connection, place, deletion, effects.thread_of(place));
  for (const auto& [place, root] : effects.lost_replies) {
    connection.run(
        "UPDATE threads SET (replies, last_seq) = (SELECT count(*), coalesce(max(seq), 0) FROM messages"
        " WHERE room_id = ?1 AND thread = ?2 AND deleted = 0) WHERE room_id = ?1 AND root = ?2",
        place.first, root);
  }
}

void purge_links(SqliteConnection& connection, std::uint64_t room_id) {
  connection.run("DELETE FROM edits WHERE room_id = ?", room_id);
  connection.run("DELETE FROM reactions WHERE room_id = ?", room_id);
  connection.run("DELETE FROM threads WHERE room_id = ?", room_id);
  connection.run("DELETE FROM mentions WHERE room_id = ?", room_id);
  connection.run("DELETE FROM held_messages WHERE room_id = ?", room_id);
}

}  // namespace parley::backend
