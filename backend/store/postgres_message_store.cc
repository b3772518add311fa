#include "backend/store/postgres_message_store.h"

#include <algorithm>
#include <limits>

#include "backend/store/postgres_erase.h"
#include "backend/store/postgres_links.h"
#include "backend/store/postgres_message_batch.h"

namespace parley::backend {
namespace {

constexpr std::string_view kPosition = "SELECT journal, position, generation FROM feed_position";
// Whoever holds this lock is the only one to store.
constexpr std::string_view kPositionLocked =
    "SELECT journal, position, generation, erased FROM feed_position FOR UPDATE";

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
void make_repeatable(Result<T>& result) {
  if (!result && result.error().code == Errc::in_doubt) result.error().code = Errc::unavailable;
}

// bigint is signed; no seq comes near the largest.
std::int64_t bounded(std::uint64_t seq) {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(seq, std::numeric_limits<std::int64_t>::max()));
}

// The room's last seq and how far it has expired (without an envelope; no such row: the room can't be read) and some of its messages, in one
// statement, hence of one state of the database. A walk along the primary key of one partition at any depth: the
// others are pruned when it starts. Anything cleverer (a join, a running sum of bytes) took twice as long to plan
// as this takes to run.
#define PARLEY_PAGE(comparison, order)                                                             \
  "SELECT last_seq, NULL::text, expired FROM room_progress WHERE room_id = $1 AND state IN (0, 3)" \
  " UNION ALL (SELECT seq, envelope, 0 FROM messages WHERE room_id = $1 AND seq " comparison       \
  " $2"                                                                                            \
  " ORDER BY seq " order " LIMIT $3)"
constexpr std::string_view kPageAfter = PARLEY_PAGE(">", "ASC");
constexpr std::string_view kPageBefore = PARLEY_PAGE("<", "DESC");
#undef PARLEY_PAGE

// As kPageAfter: the room's last seq; a message's row, and its replies if it is a root.
constexpr std::string_view kThread =
    "SELECT last_seq, NULL::text, expired FROM room_progress WHERE room_id = $1 AND state IN (0, 3)"
    " UNION ALL (SELECT *, 0 FROM (SELECT seq, envelope FROM messages WHERE room_id = $1 AND seq = $2 AND "
    "seq > "
    "$3"
    " AND type NOT IN ('edit', 'delete', 'reaction', 'member', 'room')"
    " UNION ALL (SELECT seq, envelope FROM messages WHERE room_id = $1 AND thread = $2 AND seq > $3"
    " ORDER BY seq LIMIT $4)) t ORDER BY seq LIMIT $4)";

// Rows asked for at a time, so that little is read in vain where messages are large and the page is full early.
constexpr std::uint32_t kRowsAtATime = 101;

// Fills a page in the direction asked for.
class PageReader {
 public:
  PageReader(PostgresConnection& connection, const PageQuery& query)
      : connection_(connection),
        query_(query),
        bound_(
            bounded(query.after.value_or(query.before.value_or(std::numeric_limits<std::int64_t>::max())))) {}

  Page read() {
    while (read_some()) {
    }
    if (page_.through == 0) return {};
    if (!query_.after) std::ranges::reverse(page_.envelopes);
    return std::move(page_);
  }

 private:
  // False: the page is full, or the room has no more. One row too many tells which.
  bool read_some() {
    const auto left = std::uint64_t{query_.limit} + 1 - page_.envelopes.size();
    const auto wanted = std::min<std::uint64_t>(left, kRowsAtATime);
    auto rows = connection_.query(query_.after ? kPageAfter : kPageBefore, query_.room_id, bound_, wanted);
    std::uint64_t messages = 0;
    for (auto row : rows) {
      if (row.is_null(1)) {
        page_.through = row.number(0);
        page_.expired = row.number(2);
        continue;
      }
      if (!take(row.text(1))) return false;
      bound_ = row.integer(0);
      ++messages;
    }
    return messages == wanted;
  }
  bool take(std::string_view envelope) {
    bool fits = page_.envelopes.empty() || bytes_ + envelope.size() <= query_.max_bytes;
    page_.more = page_.envelopes.size() == query_.limit || !fits;
    if (page_.more) return false;
    bytes_ += envelope.size();
    page_.envelopes.emplace_back(envelope);
    return true;
  }

  PostgresConnection& connection_;
  const PageQuery& query_;
  std::int64_t bound_;
  Page page_;
  std::size_t bytes_ = 0;
};

}  // namespace

Result<FeedPosition> PostgresMessageStore::position() {
  return pool_->read([](PostgresConnection& connection) -> Result<FeedPosition> {
    return read_position(connection, kPosition);
  });
}

// Generations count within one journal: another journal's may begin anew.
Result<> PostgresMessageStore::begin(std::uint64_t generation, const std::string& journal,
                                     std::optional<std::uint64_t> restart_at) {
  auto begun = pool_->write([&](PostgresConnection& connection) -> Result<> {
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
  });
  make_repeatable(begun);
  return begun;
}

Result<StoreOutcome> PostgresMessageStore::store(std::uint64_t generation, std::uint64_t from,
                                                 std::uint64_t to, std::span<const wire::Record> records) {
  auto store = [&](bool trust_progress) {
    return pool_->write([&](PostgresConnection& connection) -> Result<StoreOutcome> {
      auto rows = connection.query(kPositionLocked);
      const FeedPosition position{rows[0].string(0), rows[0].number(1), rows[0].number(2)};
      if (generation < position.generation)
        return std::unexpected(superseded(generation, position.generation));
      if (rows[0].number(3) != erased_->count()) load_erased(connection, *erased_);
      if (from > position.offset) return std::unexpected(hole(position.offset, from));
      if (to < from) return fail(Errc::invalid_argument, "The batch ends before it begins.");
      const auto unnamed = erased_->unnamed(records);
      auto outcome = PostgresMessageBatch(connection, trust_progress)
                         .store(unnamed ? std::span<const wire::Record>(unnamed->records) : records);
      tell_unnamed(unnamed, outcome);
      write_position(connection, {position.journal, std::max(position.offset, to), generation});
      return outcome;
    });
  };
  auto stored = store(true);
  if (!stored && stored.error().code == Errc::already_exists) stored = store(false);
  make_repeatable(stored);
  if (stored && search_) search_->stored(records);
  return stored;
}

Result<Page> PostgresMessageStore::page(const PageQuery& query) {
  return pool_->read(
      [&](PostgresConnection& connection) -> Result<Page> { return PageReader(connection, query).read(); });
}

Result<Page> PostgresMessageStore::thread(const ThreadQuery& query) {
  return pool_->read([&](PostgresConnection& connection) -> Result<Page> {
    auto rows = connection.query(kThread, query.room_id, bounded(query.root), bounded(query.after),
                                 std::uint64_t{query.limit} + 1);
    Page page;
    std::size_t bytes = 0;
    for (auto row : rows) {
      if (row.is_null(1)) {
        page.through = row.number(0);
        page.expired = row.number(2);
        continue;
      }
      auto envelope = row.text(1);
      bytes += envelope.size();
      page.more =
          page.envelopes.size() == query.limit || (bytes > query.max_bytes && !page.envelopes.empty());
      if (page.more) break;
      page.envelopes.emplace_back(envelope);
    }
    return page.through == 0 ? Page{} : page;
  });
}

Result<std::map<Place, wire::Notes>> PostgresMessageStore::notes(std::span<const Place> messages) {
  return pool_->read([&](PostgresConnection& connection) -> Result<std::map<Place, wire::Notes>> {
    return read_notes(connection, messages);
  });
}

Result<> PostgresMessageStore::block(const ErasedName& name) {
  auto blocked = pool_->write([&](PostgresConnection& connection) -> Result<> {
    block_name(connection, name);
    return {};
  });
  make_repeatable(blocked);
  return blocked;
}

Result<EraseStep> PostgresMessageStore::erase_some(const ErasedUser& who, const ErasePlace& from,
                                                   const NoteRooms& note) {
  auto step = erase_stored(*pool_, who, from, note);
  make_repeatable(step);
  return step;
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
