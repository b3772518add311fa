#include "backend/store/sqlite_message_store.h"

#include <algorithm>
#include <limits>

#include "backend/store/message_batch.h"
#include "backend/store/sqlite_erase.h"
#include "backend/store/sqlite_links.h"

namespace parley::backend {
namespace {

FeedPosition read_position(SqliteConnection& connection) {
  auto row = connection.query("SELECT journal, offset, generation FROM meta");
  row.step();
  return {row.string(0), row.number(1), row.number(2)};
}

void write_position(SqliteConnection& connection, const FeedPosition& position) {
  connection.run("UPDATE meta SET journal = ?, offset = ?, generation = ?", position.journal, position.offset,
                 position.generation);
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

// An empty page of a room that can be read; `through` is 0 for others.
Page empty_page(SqliteConnection& connection, std::uint64_t room_id) {
  auto row = connection.query("SELECT last_seq, expired FROM rooms WHERE id = ? AND deleted = 0", room_id);
  if (!row.step()) return {};
  return {.through = row.number(0), .expired = row.number(1)};
}

// SQLite's integers are signed; no seq comes near the largest.
std::int64_t bounded(std::uint64_t seq) {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(seq, std::numeric_limits<std::int64_t>::max()));
}

// Takes rows while they fit; one row too many tells that there is more.
void fill(Page& page, Query row, const PageQuery& query) {
  std::size_t bytes = 0;
  while (row.step()) {
    auto envelope = row.text(0);
    bool fits = page.envelopes.empty() || bytes + envelope.size() <= query.max_bytes;
    if (page.envelopes.size() == query.limit || !fits) {
      page.more = true;
      return;
    }
    bytes += envelope.size();
    page.envelopes.emplace_back(envelope);
  }
}

// A message's row, and its replies if it is a root.
constexpr std::string_view kThread =
    "SELECT envelope, seq FROM messages WHERE room_id = ?1 AND seq = ?2 AND seq > ?3"
    " AND type NOT IN ('edit', 'delete', 'reaction', 'member', 'room')"
    " UNION ALL SELECT * FROM (SELECT envelope, seq FROM messages WHERE room_id = ?1 AND thread = ?2 AND seq "
    "> ?3"
    " ORDER BY seq LIMIT ?4) ORDER BY seq LIMIT ?4";

}  // namespace

Result<FeedPosition> SqliteMessageStore::position() {
  return database_->read(
      [](SqliteConnection& connection) -> Result<FeedPosition> { return read_position(connection); });
}

// Generations count within one journal: another journal's may begin anew.
Result<> SqliteMessageStore::begin(std::uint64_t generation, const std::string& journal,
                                   std::optional<std::uint64_t> restart_at) {
  return database_->write([&](SqliteConnection& connection) -> Result<> {
    auto position = read_position(connection);
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
}

Result<StoreOutcome> SqliteMessageStore::store(std::uint64_t generation, std::uint64_t from, std::uint64_t to,
                                               std::span<const wire::Record> records) {
  auto stored = database_->write([&](SqliteConnection& connection) -> Result<StoreOutcome> {
    auto position = read_position(connection);
    if (generation < position.generation) return std::unexpected(superseded(generation, position.generation));
    if (from > position.offset) return std::unexpected(hole(position.offset, from));
    if (to < from) return fail(Errc::invalid_argument, "The batch ends before it begins.");
    load_erased(connection, erased_);
    const auto unnamed = erased_.unnamed(records);
    MessageBatch batch(connection);
    for (const auto& record : unnamed ? std::span<const wire::Record>(unnamed->records) : records)
      batch.add(record);
    auto outcome = batch.finish();
    tell_unnamed(unnamed, outcome);
    write_position(connection, {position.journal, std::max(position.offset, to), generation});
    return outcome;
  });
  if (stored && search_) search_->stored(records);
  return stored;
}

Result<Page> SqliteMessageStore::page(const PageQuery& query) {
  return database_->read([&](SqliteConnection& connection) -> Result<Page> {
    auto page = empty_page(connection, query.room_id);
    if (page.through == 0) return page;
    auto limit = static_cast<std::int64_t>(query.limit) + 1;
    if (query.after) {
      fill(
          page,
          connection.query("SELECT envelope FROM messages WHERE room_id = ? AND seq > ? ORDER BY seq LIMIT ?",
                           query.room_id, bounded(*query.after), limit),
          query);
      return page;
    }
    auto before = bounded(query.before.value_or(std::numeric_limits<std::uint64_t>::max()));
    fill(page,
         connection.query(
             "SELECT envelope FROM messages WHERE room_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
             query.room_id, before, limit),
         query);
    std::ranges::reverse(page.envelopes);
    return page;
  });
}

Result<Page> SqliteMessageStore::thread(const ThreadQuery& query) {
  return database_->read([&](SqliteConnection& connection) -> Result<Page> {
    auto page = empty_page(connection, query.room_id);
    if (page.through == 0) return page;
    const PageQuery size{.limit = query.limit, .max_bytes = query.max_bytes};
    fill(page,
         connection.query(kThread, query.room_id, bounded(query.root), bounded(query.after),
                          static_cast<std::int64_t>(query.limit) + 1),
         size);
    return page;
  });
}

Result<std::map<Place, wire::Notes>> SqliteMessageStore::notes(std::span<const Place> messages) {
  return database_->read([&](SqliteConnection& connection) -> Result<std::map<Place, wire::Notes>> {
    return read_notes(connection, messages);
  });
}

Result<> SqliteMessageStore::block(const ErasedName& name) {
  return database_->write([&](SqliteConnection& connection) -> Result<> {
    block_name(connection, name);
    return {};
  });
}

Result<EraseStep> SqliteMessageStore::erase_some(const ErasedUser& who, const ErasePlace& from,
                                                 const NoteRooms& note) {
  return erase_stored(*database_, who, from, note);
}

Result<std::uint64_t> SqliteMessageStore::last_seq(std::uint64_t room_id) {
  return database_->read([&](SqliteConnection& connection) -> Result<std::uint64_t> {
    return empty_page(connection, room_id).through;
  });
}

Result<std::uint64_t> SqliteMessageStore::message_count() {
  return database_->read([](SqliteConnection& connection) -> Result<std::uint64_t> {
    auto row = connection.query("SELECT coalesce(sum(messages), 0) FROM rooms WHERE deleted = 0");
    row.step();
    return row.number(0);
  });
}

}  // namespace parley::backend
