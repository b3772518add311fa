#include "backend/store/postgres_retention.h"

#include <algorithm>
#include <limits>

#include "backend/store/postgres_audit_store.h"

namespace parley::backend {
namespace {

constexpr std::uint64_t kSeqMax = std::numeric_limits<std::int64_t>::max();

// Look-ups for each room, no joins (postgres_connection.cc says why).
#define PARLEY_RETAINED(which)                                                                          \
  "SELECT p.room_id, p.retain_s, p.retain_messages, p.last_seq, m.seq, m.at FROM room_progress p"       \
  " CROSS JOIN LATERAL (SELECT seq, at FROM messages WHERE room_id = p.room_id ORDER BY seq LIMIT 1) m" \
  " WHERE p.room_id > $1 AND p.state = 0 AND NOT p.held AND p.last_seq > p.expired" which               \
  " ORDER BY p.room_id LIMIT $2"
constexpr std::string_view kAll = PARLEY_RETAINED("");
constexpr std::string_view kOwn = PARLEY_RETAINED(" AND (p.retain_s > 0 OR p.retain_messages > 0)");
#undef PARLEY_RETAINED

// The last of the messages that go; `expiry` tells what it will be.
void find_cut(PostgresConnection& connection, const ExpiryOrder& order, const DueLine& line, Expiry& expiry) {
  auto rows =
      connection.query("SELECT seq, at FROM messages WHERE room_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
                       order.room_id, expiry.expired, std::uint64_t{order.rows_max} + 1);
  for (auto row : rows) {
    if (!line.due(row.number(0), row.integer(1))) return;
    expiry.more = expiry.rows == order.rows_max;
    if (expiry.more) return;
    ++expiry.rows;
    expiry.expired = row.number(0);
  }
}

void remove_to(PostgresConnection& connection, std::uint64_t room_id, const Expiry& expiry) {
  const auto cut = expiry.expired;
  for (const char* sql : {"DELETE FROM messages WHERE room_id = $1 AND seq <= $2",
                          "DELETE FROM edits WHERE room_id = $1 AND target <= $2",
                          "DELETE FROM reactions WHERE room_id = $1 AND target <= $2",
                          "DELETE FROM threads WHERE room_id = $1 AND root <= $2",
                          "DELETE FROM mentions WHERE room_id = $1 AND seq <= $2",
                          "DELETE FROM quarantine WHERE room_id = $1 AND seq <= $2",
                          "DELETE FROM search_texts WHERE room_id = $1 AND seq <= $2",
                          "INSERT INTO search_progress(room_id, seq) VALUES ($1, $2) ON CONFLICT (room_id)"
                          " DO UPDATE SET seq = greatest(search_progress.seq, excluded.seq)"})
    connection.query(sql, room_id, cut);
  connection.query(
      "UPDATE room_progress SET expired = $2, messages = greatest(messages - $3, 0),"
      " last_message = CASE WHEN last_message > $2 THEN last_message ELSE 0 END WHERE room_id = $1",
      room_id, cut, std::uint64_t{expiry.rows});
}

// The room's row is locked, so that nothing is stored in it meanwhile and no hold overtakes this.
Result<Expiry> expire_in(PostgresConnection& connection, const ExpiryOrder& order) {
  lock_index(connection, order.room_id);
  auto rows = connection.query(
      "SELECT expired, last_seq, held, retain_s, retain_messages FROM room_progress"
      " WHERE room_id = $1 AND state = 0 FOR UPDATE",
      order.room_id);
  if (rows.empty()) return Expiry{};
  Expiry expiry{.expired = rows[0].number(0)};
  if (rows[0].flag(2)) return expiry;
  const Retention own{.seconds = rows[0].number(3), .messages = rows[0].number(4)};
  find_cut(connection, order, due_line(order.rules.in_force(own), rows[0].number(1), order.now), expiry);
  if (expiry.rows > 0) remove_to(connection, order.room_id, expiry);
  return expiry;
}

void hold_messages(PostgresConnection& connection, std::uint64_t room_id, bool held) {
  connection.query("UPDATE room_progress SET held = $2 WHERE room_id = $1", room_id, held);
  if (!held) connection.query("DELETE FROM held_messages WHERE room_id = $1", room_id);
}

// As it is again when made again.
template <class T>
Result<T> repeatable(Result<T> result) {
  if (!result && result.error().code == Errc::in_doubt) result.error().code = Errc::unavailable;
  return result;
}

}  // namespace

Result<PostgresPool*> PostgresRetentionStore::pool_of(std::uint64_t room_id) {
  if (!shards_) return pool_.get();
  auto located = shards_->locate({room_id});
  if (!located) return std::unexpected(located.error());
  return &shards_->pool(located->at(room_id));
}

Result<std::vector<RetainedRoom>> PostgresRetentionStore::rooms(const RetainedQuery& query) {
  std::vector<RetainedRoom> rooms;
  for (std::size_t i = 0; i < (shards_ ? shards_->size() : 1); ++i) {
    auto& pool = shards_ ? shards_->pool(i) : *pool_;
    auto read = pool.read([&](PostgresConnection& connection) -> Result<> {
      for (auto row : connection.query(query.all ? kAll : kOwn, query.after, query.limit))
        rooms.push_back({.room_id = row.number(0),
                         .own = {.seconds = row.number(1), .messages = row.number(2)},
                         .last_seq = row.number(3),
                         .oldest = row.number(4),
                         .oldest_at_ms = row.integer(5)});
      return {};
    });
    if (!read) return std::unexpected(read.error());
  }
  std::ranges::sort(rooms, {}, &RetainedRoom::room_id);
  if (rooms.size() > query.limit) rooms.resize(query.limit);
  return rooms;
}

Result<Expiry> PostgresRetentionStore::expire(const ExpiryOrder& order) {
  auto pool = pool_of(order.room_id);
  if (!pool) return std::unexpected(pool.error());
  return repeatable(
      (*pool)->write([&](PostgresConnection& connection) { return expire_in(connection, order); }));
}

// The messages' database is told of a hold first and of its end last: between the two it holds.
Result<> PostgresRetentionStore::hold(std::uint64_t room_id, bool held, const std::optional<Act>& act) {
  auto there = pool_of(room_id);
  if (!there) return std::unexpected(there.error());
  auto& elsewhere = **there;
  const bool apart = &elsewhere != (shards_ ? &shards_->pool(0) : pool_.get());
  const auto tell = [&]() {
    return elsewhere.write([&](PostgresConnection& connection) -> Result<> {
      hold_messages(connection, room_id, held);
      return {};
    });
  };
  auto done = pool_->write([&](PostgresConnection& connection) -> Result<> {
    const auto found =
        connection.query("UPDATE rooms SET held = $2 WHERE id = $1 AND NOT deleted", room_id, held)
            .affected();
    if (found == 0) return fail(Errc::not_found, "There is no such room.");
    record_act(connection, act, clock_.wall());
    if (!apart) hold_messages(connection, room_id, held);
    return apart && held ? tell() : Result<>();
  });
  return done && apart && !held ? tell() : done;
}

Result<HeldPage> PostgresRetentionStore::kept_aside(std::uint64_t room_id, std::uint64_t after,
                                                    std::uint32_t limit) {
  auto pool = pool_of(room_id);
  if (!pool) return std::unexpected(pool.error());
  return (*pool)->read([&](PostgresConnection& connection) -> Result<HeldPage> {
    HeldPage page;
    auto rows = connection.query(
        "SELECT envelope FROM held_messages WHERE room_id = $1 AND seq > $2 ORDER BY seq LIMIT $3", room_id,
        std::min(after, kSeqMax), std::uint64_t{limit} + 1);
    for (auto row : rows) {
      page.more = page.envelopes.size() == limit;
      if (page.more) break;
      page.envelopes.push_back(row.string(0));
    }
    return page;
  });
}

void keep_aside(PostgresConnection& connection, const PostgresArray& rooms, const PostgresArray& seqs) {
  connection.query(
      "INSERT INTO held_messages(room_id, seq, envelope) SELECT n.room_id, m.seq, m.envelope"
      " FROM unnest($1::bigint[], $2::bigint[]) AS n(room_id, seq)"
      " CROSS JOIN LATERAL (SELECT 1 FROM room_progress WHERE room_id = n.room_id AND held LIMIT 1) AS held"
      " CROSS JOIN LATERAL (SELECT seq, envelope FROM messages"
      "  WHERE room_id = n.room_id AND seq = n.seq AND deleted = 0"
      "  UNION ALL SELECT seq, envelope FROM messages WHERE room_id = n.room_id AND target = n.seq"
      "  AND seq > n.seq AND type IN ('edit', 'reaction') AND deleted = 0) AS m ON CONFLICT DO NOTHING",
      rooms, seqs);
}

void keep_aside(PostgresConnection& connection, const PostgresArray& rooms, const PostgresArray& seqs,
                const PostgresArray& envelopes) {
  connection.query(
      "INSERT INTO held_messages(room_id, seq, envelope) SELECT n.room_id, n.seq, n.envelope"
      " FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS n(room_id, seq, envelope)"
      " CROSS JOIN LATERAL (SELECT 1 FROM room_progress WHERE room_id = n.room_id AND held LIMIT 1) AS held"
      " ON CONFLICT DO NOTHING",
      rooms, seqs, envelopes);
}

void lock_index(PostgresConnection& connection, std::uint64_t room_id) {
  constexpr std::uint64_t kKeys = 0x7fffffff;
  connection.query("SELECT pg_advisory_xact_lock(11, ($1::bigint)::integer)", room_id % kKeys);
}

}  // namespace parley::backend
