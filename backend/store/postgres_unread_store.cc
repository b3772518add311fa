#include "backend/store/postgres_unread_store.h"

#include "backend/store/last_message.h"

namespace parley::backend {
namespace {

// As the index own_messages has it, or it would not be used.
#define PARLEY_COUNTABLE "m.type NOT IN ('edit', 'delete', 'reaction', 'member', 'room') AND m.flags & 1 = 0"

// Look-ups for each room, no joins (postgres_connection.cc says why).
// What was counted before the first message above the mark is what the mark has covered; a look for the mark's own
// message would find nothing where the room has lost it.
constexpr std::string_view kCounters =
    "SELECT a.nth, coalesce(p.counted - first.covered, 0) - own.n - gone.n, named.n"
    " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS a(nth, id, read)"
    " CROSS JOIN LATERAL (SELECT counted FROM room_progress WHERE room_id = a.id LIMIT 1) p"
    " LEFT JOIN LATERAL (SELECT m.counted - (" PARLEY_COUNTABLE
    ")::integer AS covered FROM messages m WHERE m.room_id = a.id AND m.seq > a.read ORDER BY m.seq LIMIT 1) "
    "first"
    " ON true"
    " CROSS JOIN LATERAL (SELECT count(*) AS n FROM messages m WHERE m.room_id = a.id AND m.sender = $4"
    " AND m.seq > a.read AND " PARLEY_COUNTABLE
    ") own"
    " CROSS JOIN LATERAL (SELECT count(*) AS n FROM messages m WHERE m.room_id = a.id AND m.seq > a.read"
    " AND m.deleted <> 0 AND m.sender <> $4 AND " PARLEY_COUNTABLE
    ") gone"
    " CROSS JOIN LATERAL (SELECT count(DISTINCT n.seq) AS n FROM mentions n"
    " WHERE n.room_id = a.id AND n.user_key IN ($5, '@room') AND n.seq > a.read"
    " AND (SELECT m.sender FROM messages m WHERE m.room_id = n.room_id AND m.seq = n.seq) <> $4) named";

constexpr std::string_view kLastMessages =
    "SELECT a.nth, m.envelope, coalesce(t.replies, 0), coalesce(t.last_seq, 0), coalesce(e.seq, 0),"
    " coalesce(em.at, 0), coalesce(em.envelope, '')"
    " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS a(nth, id, last)"
    " CROSS JOIN LATERAL (SELECT envelope FROM messages WHERE room_id = a.id AND seq = a.last LIMIT 1) m"
    " LEFT JOIN LATERAL (SELECT replies, last_seq FROM threads WHERE room_id = a.id AND root = a.last LIMIT "
    "1) t"
    " ON true"
    " LEFT JOIN LATERAL (SELECT seq FROM edits WHERE room_id = a.id AND target = a.last LIMIT 1) e ON true"
    " LEFT JOIN LATERAL (SELECT at, envelope FROM messages WHERE room_id = a.id AND seq = e.seq LIMIT 1) em "
    "ON true";
#undef PARLEY_COUNTABLE

using Numbers = std::vector<std::size_t>;  // of rooms in a query

// Those rooms of the query that lie in this database.
Result<> read(PostgresPool& pool, const UnreadQuery& query, const Numbers& which,
              std::vector<Unread>& rooms) {
  auto nths = PostgresArray::of_bigint(), ids = PostgresArray::of_bigint(),
       reads = PostgresArray::of_bigint(), lasts = PostgresArray::of_bigint();
  for (const auto nth : which) {
    nths.add(std::uint64_t{nth});
    ids.add(query.rooms[nth].room_id);
    reads.add(query.rooms[nth].read);
    lasts.add(query.rooms[nth].last_message);
  }
  return pool.read([&](PostgresConnection& connection) -> Result<> {
    for (auto row : connection.query(kCounters, nths, ids, reads, query.user, query.user_key)) {
      auto& room = rooms.at(row.number(0));
      room.messages = row.number(1);
      room.mentions = row.number(2);
    }
    for (auto row : connection.query(kLastMessages, nths, ids, lasts))
      rooms.at(row.number(0)).last = folded({.envelope = row.text(1),
                                             .replies = row.number(2),
                                             .last_reply = row.number(3),
                                             .edit_seq = row.number(4),
                                             .edit_at_ms = row.integer(5),
                                             .edit_envelope = row.text(6)});
    return {};
  });
}

}  // namespace

Result<std::vector<Unread>> PostgresUnreadStore::unread(const UnreadQuery& query) {
  std::vector<Numbers> by_database(shards_ ? shards_->size() : 1);
  std::vector<std::uint64_t> ids;
  for (const auto& room : query.rooms) ids.push_back(room.room_id);
  using Located = Result<std::unordered_map<std::uint64_t, std::size_t>>;
  const auto located = shards_ ? shards_->locate(ids) : Located{};
  if (!located) return std::unexpected(located.error());
  for (std::size_t nth = 0; nth < ids.size(); ++nth)
    by_database[shards_ ? located->at(ids[nth]) : 0].push_back(nth);
  std::vector<Unread> rooms(ids.size());
  for (std::size_t i = 0; i < by_database.size(); ++i) {
    if (by_database[i].empty()) continue;
    auto done = read(shards_ ? shards_->pool(i) : *pool_, query, by_database[i], rooms);
    if (!done) return std::unexpected(done.error());
  }
  return rooms;
}

}  // namespace parley::backend
