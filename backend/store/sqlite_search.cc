#include "backend/store/sqlite_search.h"

#include <algorithm>
#include <limits>
#include <unordered_set>

#include "backend/store/search_rows.h"
#include "wire/entry.h"

namespace parley::backend {
namespace {

constexpr std::chrono::seconds kRetry{5};
constexpr std::size_t kRoomsByWord = 8;  // more are told apart row by row

std::string quoted(const std::string& word) {
  return "\"" + word + "\"";  // no word has a quote in it
}

// FTS5's query: all terms, of the sender, in one of the rooms if these are few.
std::string match_of(const TextQuery& query) {
  std::string match;
  for (const auto& term : query.words.terms())
    match += (match.empty() ? "" : " AND ") + quoted(term.word) + (term.prefix ? "*" : "");
  if (!query.sender.empty()) match += " AND " + quoted(sender_word(query.sender));
  if (query.rooms.size() > kRoomsByWord) return match;
  std::string rooms;
  for (const auto room : query.rooms) rooms += (rooms.empty() ? "" : " OR ") + quoted(room_word(room));
  return match + " AND (" + rooms + ")";
}

void put(SqliteConnection& connection, Place message, const std::string& sender, std::uint64_t place,
         const std::string& words) {
  if (words.empty()) return;
  while (connection.query("SELECT 1 FROM search_texts WHERE id = ?", place).step()) ++place;
  connection.run("INSERT INTO search_texts(id, room_id, seq, sender, words) VALUES (?, ?, ?, ?, ?)", place,
                 message.first, message.second, sender, words);
  connection.run("INSERT INTO search_index(rowid, words) VALUES (?, ?)", place, words);
}

struct Indexed {
  std::uint64_t place = 0;  // 0: it is not there
  std::string sender;
};
Indexed take_out(SqliteConnection& connection, Place message) {
  Indexed found;
  std::string words;
  {
    auto row = connection.query("SELECT id, sender, words FROM search_texts WHERE room_id = ? AND seq = ?",
                                message.first, message.second);
    if (!row.step()) return found;
    found = {row.number(0), row.string(1)};
    words = row.string(2);
  }
  connection.run("INSERT INTO search_index(search_index, rowid, words) VALUES ('delete', ?, ?)", found.place,
                 words);
  connection.run("DELETE FROM search_texts WHERE id = ?", found.place);
  return found;
}

struct Row {
  std::uint64_t seq, target, deleted;
  std::int64_t at_ms;
  std::string sender, type, envelope;
};

// What an entry changes in the index. The edit in force is the last one that counts: entries come in order.
void look_at(SqliteConnection& connection, std::uint64_t room, const Row& row) {
  if (row.deleted > 0) return;
  if (wire::is_message(row.type)) {
    put(connection, {room, row.seq}, row.sender,
        search_place(room, row.seq, said_at(row.envelope, row.at_ms)),
        indexed_words(room, row.sender, wire::content_of(row.envelope)));
  } else if (row.type == "edit" &&
             connection
                 .query("SELECT 1 FROM edits WHERE room_id = ? AND target = ? AND seq = ?", room, row.target,
                        row.seq)
                 .step()) {
    const Place message{room, row.target};
    auto was = take_out(connection, message);
    if (was.place == 0) {
      auto original = connection.query(
          "SELECT sender, envelope, at FROM messages WHERE room_id = ? AND seq = ?", room, row.target);
      if (!original.step()) return;
      was = {search_place(room, row.target, said_at(original.text(1), original.integer(2))),
             original.string(0)};
    }
    put(connection, message, was.sender, was.place,
        indexed_words(room, was.sender, wire::content_of(row.envelope)));
  }
}

bool index_some(SqliteConnection& connection, std::uint64_t room_id) {
  std::uint64_t last = 0;
  {
    auto room = connection.query("SELECT searchable_to FROM rooms WHERE id = ? AND deleted = 0", room_id);
    if (!room.step()) return false;
    last = room.number(0);
  }
  std::vector<Row> rows;
  std::size_t bytes = 0;
  {
    auto row = connection.query(
        "SELECT seq, target, deleted, at, sender, type, envelope FROM messages WHERE room_id = ? AND seq > ?"
        " ORDER BY seq LIMIT ?",
        room_id, last, kIndexedAtATime);
    while (bytes < kIndexedBytes && row.step()) {
      rows.push_back({row.number(0), row.number(1), row.number(2), row.integer(3), row.string(4),
                      row.string(5), row.string(6)});
      bytes += rows.back().envelope.size();
    }
  }
  for (const auto& row : rows) look_at(connection, room_id, row);
  if (!rows.empty())
    connection.run("UPDATE rooms SET searchable_to = ? WHERE id = ?", rows.back().seq, room_id);
  return rows.size() == kIndexedAtATime || bytes >= kIndexedBytes;
}

}  // namespace

std::shared_ptr<SearchWork> sqlite_search_work(std::shared_ptr<SqliteDatabase> database) {
  return std::make_shared<SearchWork>(
      [database]() {
        return database->read([](SqliteConnection& connection) -> Result<std::vector<std::uint64_t>> {
          std::vector<std::uint64_t> rooms;
          auto row = connection.query("SELECT id FROM rooms WHERE deleted = 0 AND last_seq > searchable_to");
          while (row.step()) rooms.push_back(row.number(0));
          return rooms;
        });
      },
      [database](std::uint64_t room) {
        return database->write(
            [room](SqliteConnection& connection) -> Result<bool> { return index_some(connection, room); });
      },
      kRetry);
}

SqliteSearchStore::SqliteSearchStore(std::shared_ptr<SqliteDatabase> database,
                                     std::shared_ptr<SearchWork> work)
    : database_(std::move(database)), work_(std::move(work)) {}

void unindex(SqliteConnection& connection, Place message) {
  take_out(connection, message);
}

void index_again(SqliteConnection& connection, Place message) {
  const auto was = take_out(connection, message);
  if (was.place == 0) return;
  std::string words;
  {
    auto row = connection.query(
        "SELECT coalesce((SELECT m.envelope FROM edits e JOIN messages m ON m.room_id = e.room_id AND m.seq "
        "= e.seq"
        " WHERE e.room_id = ?1 AND e.target = ?2), o.envelope) FROM messages o WHERE o.room_id = ?1 AND "
        "o.seq = ?2",
        message.first, message.second);
    if (!row.step()) return;
    words = indexed_words(message.first, was.sender, wire::content_of(row.text(0)));
  }
  put(connection, message, was.sender, was.place, words);
}

bool unindex_some(SqliteConnection& connection, std::uint64_t room_id, int limit) {
  std::vector<std::uint64_t> seqs;
  {
    auto row = connection.query("SELECT seq FROM search_texts WHERE room_id = ? LIMIT ?", room_id, limit);
    while (row.step()) seqs.push_back(row.number(0));
  }
  for (const auto seq : seqs) take_out(connection, {room_id, seq});
  return !seqs.empty();
}

void unindex_to(SqliteConnection& connection, Place last) {
  const auto [room, seq] = last;
  std::vector<std::uint64_t> seqs;
  {
    auto row = connection.query("SELECT seq FROM search_texts WHERE room_id = ? AND seq <= ?", room, seq);
    while (row.step()) seqs.push_back(row.number(0));
  }
  for (const auto indexed : seqs) take_out(connection, {room, indexed});
  connection.run("UPDATE rooms SET searchable_to = max(searchable_to, ?2) WHERE id = ?1", room, seq);
}

Result<TextPage> SqliteSearchStore::search(const TextQuery& query) {
  const auto match = match_of(query);
  const std::unordered_set<std::uint64_t> rooms(query.rooms.begin(), query.rooms.end());
  constexpr auto kLast = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  auto before = std::min(query.before.value_or(kLast), kLast);
  if (query.until_ms) before = std::min(before, first_place_at(*query.until_ms));
  return database_->read([&](SqliteConnection& connection) -> Result<TextPage> {
    TextPage page;
    auto row = connection.query(
        "SELECT t.id, t.room_id, t.seq, m.envelope, t.words FROM search_index x CROSS JOIN search_texts t ON "
        "t.id = x.rowid"
        " CROSS JOIN messages m ON m.room_id = t.room_id AND m.seq = t.seq"
        " WHERE x.search_index MATCH ?1 AND x.rowid < ?2 AND x.rowid >= ?3 ORDER BY x.rowid DESC",
        match, before, first_place_at(query.since_ms));
    for (std::uint32_t looks = 0; row.step(); ++looks) {
      const Place message{row.number(1), row.number(2)};
      if (page.hits.size() == query.limit || looks == kSearchLooksMax) {
        page.next = before;
        return page;
      }
      before = row.number(0);
      if (rooms.contains(message.first) && has_phrases(query.words, row.text(4)))
        page.hits.push_back({before, message, row.string(3)});
    }
    return page;
  });
}

Result<std::uint64_t> SqliteSearchStore::behind() {
  return database_->read([](SqliteConnection& connection) -> Result<std::uint64_t> {
    auto row = connection.query(
        "SELECT coalesce(sum(last_seq - searchable_to), 0) FROM rooms WHERE deleted = 0 AND last_seq > "
        "searchable_to");
    row.step();
    return row.number(0);
  });
}

}  // namespace parley::backend
