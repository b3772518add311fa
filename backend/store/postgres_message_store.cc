#include "backend/store/postgres_message_store.h"

#include <algorithm>
#include <limits>

#include "backend/store/postgres_message_batch.h"

namespace parley::backend {
namespace {

constexpr std::string_view kPosition = "SELECT journal, position, generation FROM feed_position";
// Whoever holds this lock is the only one to store.
constexpr std::string_view kPositionLocked =
    "SELECT journal, position, generation FROM feed_position FOR UPDATE";

FeedPosition read_position(PostgresConnection& connection, std::string_view sql) {
  auto rows = connection.query(sql);
  return {rows[0].string(0), rows[0].number(1), rows[0].number(2)};
}

void write_position(PostgresConnection& connection, const FeedPosition& position) {
  connection.query("UPDATE feed_position SET journal = $1, position = $2, generation = $3", position.journal,
                   position.offset, position.generation);
}

Error superseded(std::uint64_t generation, std::uint64_t newer) {
  return {Errc::permission_denied, "Generation " + std::to_string(generation) +
                                       " stores no more: " + std::to_string(newer) + " has begun."};
}

Error hole(std::uint64_t position, std::uint64_t from) {
  return {Errc::invalid_argument, "The batch begins at offset " + std::to_string(from) +
                                      ", the store stands at " + std::to_string(position) +
                                      ": what is between is missing."};
}

// The position's changes and messages are the same when made again, so an unknown end may be tried again.
template <class T>
Result<T> repeatable(Result<T> result) {
  if (!result && result.error().code == Errc::in_doubt) result.error().code = Errc::unavailable;
  return result;
}

// bigint is signed; no seq comes near the largest.
std::int64_t bounded(std::uint64_t seq) {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(seq, std::numeric_limits<std::int64_t>::max()));
}

// A page in one statement, hence of one state of the database: the room's last seq with each row, and rows while
// those before them are within the bytes asked for (two at least, so that it is known whether there is more).
// The innermost LIMIT is what makes it a walk along the primary key of one partition, at any depth.
#define PARLEY_PAGE(comparison, order)                                                      \
  "SELECT p.last_seq, m.envelope FROM room_progress p LEFT JOIN LATERAL ("                  \
  " SELECT seq, envelope FROM ("                                                            \
  "  SELECT seq, envelope, row_number() OVER sofar AS nth,"                                 \
  "   sum(octet_length(envelope)) OVER sofar - octet_length(envelope) AS before"            \
  "  FROM messages WHERE room_id = $1 AND seq " comparison                                  \
  " $2"                                                                                     \
  "  WINDOW sofar AS (ORDER BY seq " order " ROWS UNBOUNDED PRECEDING) ORDER BY seq " order \
  " LIMIT $3"                                                                               \
  " ) measured WHERE before <= $4 OR nth <= 2) m ON true"                                   \
  " WHERE p.room_id = $1 AND p.state IN (0, 3) ORDER BY m.seq " order
constexpr std::string_view kPageAfter = PARLEY_PAGE(">", "ASC");
constexpr std::string_view kPageBefore = PARLEY_PAGE("<", "DESC");
#undef PARLEY_PAGE

// Takes rows while they fit; one row too many tells that there is more.
Page read_page(const PostgresRows& rows, const PageQuery& query) {
  Page page;
  std::size_t bytes = 0;
  for (auto row : rows) {
    page.through = row.number(0);
    if (row.is_null(1)) break;
    auto envelope = row.text(1);
    bool fits = page.envelopes.empty() || bytes + envelope.size() <= query.max_bytes;
    page.more = page.envelopes.size() == query.limit || !fits;
    if (page.more) break;
    bytes += envelope.size();
    page.envelopes.emplace_back(envelope);
  }
  return page;
}

}  // namespace

Result<FeedPosition> PostgresMessageStore::position() {
  return pool_->read([](PostgresConnection& connection) -> Result<FeedPosition> {
    return read_position(connection, kPosition);
  });
}

// Generations count within one journal: another journal's may begin anew.
Result<> PostgresMessageStore::begin(std::uint64_t generation, const std::string& journal,
                                     std::optional<std::uint64_t> restart_at) {
  return repeatable(pool_->write([&](PostgresConnection& connection) -> Result<> {
    auto position = read_position(connection, kPositionLocked);
    bool same = position.journal == journal;
    if (same && generation < position.generation)
      return std::unexpected(superseded(generation, position.generation));
    if (!same && !restart_at && !position.journal.empty()) {
      return fail(Errc::invalid_argument, "The store follows journal " + position.journal + ", not " +
                                              journal + ", and is not told where to begin.");
    }
    write_position(connection, {journal, restart_at.value_or(position.offset), generation});
    return {};
  }));
}

Result<StoreOutcome> PostgresMessageStore::store(std::uint64_t generation, std::uint64_t from,
                                                 std::uint64_t to, std::span<const wire::Record> records) {
  auto store = [&](bool trust_progress) {
    return pool_->write([&](PostgresConnection& connection) -> Result<StoreOutcome> {
      auto position = read_position(connection, kPositionLocked);
      if (generation < position.generation)
        return std::unexpected(superseded(generation, position.generation));
      if (from > position.offset) return std::unexpected(hole(position.offset, from));
      if (to < from) return fail(Errc::invalid_argument, "The batch ends before it begins.");
      auto outcome = PostgresMessageBatch(connection, trust_progress).store(records);
      write_position(connection, {position.journal, std::max(position.offset, to), generation});
      return outcome;
    });
  };
  auto stored = store(true);
  if (!stored && stored.error().code == Errc::already_exists) stored = store(false);
  return repeatable(std::move(stored));
}

Result<Page> PostgresMessageStore::page(const PageQuery& query) {
  return pool_->read([&](PostgresConnection& connection) -> Result<Page> {
    auto limit = std::int64_t{query.limit} + 1;
    auto max_bytes = std::min<std::size_t>(query.max_bytes, 1u << 30);
    if (query.after) {
      return read_page(connection.query(kPageAfter, query.room_id, bounded(*query.after), limit, max_bytes),
                       query);
    }
    auto before = bounded(query.before.value_or(std::numeric_limits<std::uint64_t>::max()));
    auto page = read_page(connection.query(kPageBefore, query.room_id, before, limit, max_bytes), query);
    std::ranges::reverse(page.envelopes);
    return page;
  });
}

Result<std::uint64_t> PostgresMessageStore::last_seq(std::uint64_t room_id) {
  return pool_->read([&](PostgresConnection& connection) -> Result<std::uint64_t> {
    auto rows = connection.query("SELECT last_seq FROM room_progress WHERE room_id = $1 AND state IN (0, 3)",
                                 room_id);
    return rows.empty() ? 0 : rows[0].number(0);
  });
}

Result<std::uint64_t> PostgresMessageStore::message_count() {
  return pool_->read([](PostgresConnection& connection) -> Result<std::uint64_t> {
    return connection
        .query("SELECT coalesce(sum(messages), 0)::bigint FROM room_progress WHERE state IN (0, 3)")[0]
        .number(0);
  });
}

}  // namespace parley::backend
