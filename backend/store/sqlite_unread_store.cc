#include "backend/store/sqlite_unread_store.h"

#include "backend/store/last_message.h"

namespace parley::backend {
namespace {

// As the index own_messages has it, or it could not be used.
#define PARLEY_COUNTABLE "m.type NOT IN ('edit', 'delete', 'reaction', 'member', 'room') AND m.flags & 1 = 0"
#define PARLEY_ASKED                                                     \
  "WITH asked AS (SELECT key AS nth, json_extract(value, '$[0]') AS id," \
  " json_extract(value, '$[1]') AS read, json_extract(value, '$[2]') AS last FROM json_each(?1)) "

// What was counted before the first message above the mark is what the mark has covered; a look for the mark's own
// message would find nothing where the room has lost it.
// The indexes are named: by itself SQLite reads everything above the mark.
constexpr std::string_view kCounters = PARLEY_ASKED
    "SELECT a.nth,"
    " coalesce(r.counted - (SELECT m.counted - (" PARLEY_COUNTABLE
    ") FROM messages m WHERE m.room_id = a.id AND m.seq > a.read ORDER BY m.seq LIMIT 1), 0)"
    " - (SELECT count(*) FROM messages m INDEXED BY own_messages WHERE m.room_id = a.id AND m.sender = ?2 "
    "AND m.seq > a.read"
    " AND " PARLEY_COUNTABLE
    ")"
    " - (SELECT count(*) FROM messages m INDEXED BY deleted_messages WHERE m.room_id = a.id AND m.seq > "
    "a.read AND m.deleted <> 0"
    " AND m.sender <> ?2 AND " PARLEY_COUNTABLE
    "),"
    " (SELECT count(DISTINCT n.seq) FROM mentions n JOIN messages m ON m.room_id = n.room_id AND m.seq = "
    "n.seq"
    " WHERE n.room_id = a.id AND n.user_key IN (?3, '@room') AND n.seq > a.read AND m.sender <> ?2)"
    " FROM asked a JOIN rooms r ON r.id = a.id";

constexpr std::string_view kLastMessages = PARLEY_ASKED
    "SELECT a.nth, m.envelope, coalesce(t.replies, 0), coalesce(t.last_seq, 0), coalesce(e.seq, 0),"
    " coalesce(em.at, 0), coalesce(em.envelope, '')"
    " FROM asked a JOIN messages m ON m.room_id = a.id AND m.seq = a.last"
    " LEFT JOIN threads t ON t.room_id = a.id AND t.root = a.last"
    " LEFT JOIN edits e ON e.room_id = a.id AND e.target = a.last"
    " LEFT JOIN messages em ON em.room_id = a.id AND em.seq = e.seq";
#undef PARLEY_ASKED
#undef PARLEY_COUNTABLE

std::string asked_json(const UnreadQuery& query) {
  std::string json = "[";
  for (const auto& room : query.rooms) {
    if (json.size() > 1) json += ',';
    json += '[' + std::to_string(room.room_id) + ',' + std::to_string(room.read) + ',' +
            std::to_string(room.last_message) + ']';
  }
  return json += ']';
}

}  // namespace

Result<std::vector<Unread>> SqliteUnreadStore::unread(const UnreadQuery& query) {
  const auto asked = asked_json(query);
  return database_->read([&](SqliteConnection& connection) -> Result<std::vector<Unread>> {
    std::vector<Unread> rooms(query.rooms.size());
    auto counters = connection.query(kCounters, asked, query.user, query.user_key);
    while (counters.step()) {
      auto& room = rooms.at(counters.number(0));
      room.messages = counters.number(1);
      room.mentions = counters.number(2);
    }
    auto last = connection.query(kLastMessages, asked);
    while (last.step())
      rooms.at(last.number(0)).last = folded({.envelope = last.text(1),
                                              .replies = last.number(2),
                                              .last_reply = last.number(3),
                                              .edit_seq = last.number(4),
                                              .edit_at_ms = last.integer(5),
                                              .edit_envelope = last.text(6)});
    return rooms;
  });
}

}  // namespace parley::backend
