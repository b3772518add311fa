#include "backend/store/postgres_search.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "backend/store/postgres_retention.h"
#include "backend/store/search_rows.h"
#include "wire/entry.h"

namespace parley::backend {
namespace {

constexpr std::chrono::seconds kRetry{5};
constexpr std::size_t kRoomsInQuery = 8;  // the words of more rooms cost the index more than they save
constexpr int kPositionMax = 16'383;      // of a word in a tsvector: those after it count as there

std::string quote(std::string_view word) {
  return "'" + std::string(word) + "'";  // no word has a quote or a backslash in it
}

std::string tsquery_of(const TextQuery& query) {
  std::string text;
  for (const auto& phrase : query.words.phrases) {
    if (!text.empty()) text += " & ";
    text += '(';
    for (const auto& term : phrase)
      text += (text.ends_with('(') ? "" : " <-> ") + quote(term.word) + (term.prefix ? ":*" : "");
    text += ')';
  }
  if (!query.sender.empty()) text += " & " + quote(sender_word(query.sender));
  if (query.rooms.empty() || query.rooms.size() > kRoomsInQuery) return text;
  text += " & (";
  for (const auto room : query.rooms) text += (text.ends_with('(') ? "" : " | ") + quote(room_word(room));
  return text + ')';
}

// tsvector's text: the room's and the sender's words without a position, those of the message with theirs.
std::string tsvector_of(std::string_view words) {
  std::string text;
  for (int position = -1; !words.empty(); ++position) {
    const auto end = std::min(words.find(' '), words.size());
    text.append(text.empty() ? "" : " ").append(quote(words.substr(0, end)));
    if (position > 0) text.append(":").append(std::to_string(std::min(position, kPositionMax)));
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return text;
}

struct Text {
  std::string sender, words;
  std::uint64_t place = 0;
};

// Some entries of one room, and what they change in the index.
class Indexing {
 public:
  Indexing(PostgresConnection& connection, std::uint64_t room) : connection_(connection), room_(room) {}

  // Not beside an erase in the same room: what is read here must not go into the index after it was taken out.
  bool some() {
    lock_index(connection_, room_);
    const bool more = read();
    if (last_ == 0) return false;
    load_edited();
    drop_deleted();
    write();
    connection_.query(
        "INSERT INTO search_progress(room_id, seq) VALUES ($1, $2)"
        " ON CONFLICT (room_id) DO UPDATE SET seq = greatest(search_progress.seq, excluded.seq)",
        room_, last_);
    return more;
  }

 private:
  bool read() {
    auto rows = connection_.query(
        "SELECT m.seq, coalesce(m.target, 0), m.deleted, m.at, m.sender, m.type, m.envelope FROM messages m"
        " WHERE m.room_id = $1 AND m.seq > coalesce((SELECT seq FROM search_progress WHERE room_id = $1), 0)"
        " ORDER BY m.seq LIMIT $2",
        room_, kIndexedAtATime);
    std::size_t bytes = 0;
    for (auto row : rows) {
      if (bytes >= kIndexedBytes) return true;
      bytes += row.text(6).size();
      last_ = row.number(0);
      const auto type = row.text(5);
      if (type == "delete" && row.number(1) > 0) deleted_.insert(row.number(1));
      if (row.number(2) > 0) continue;
      if (wire::is_message(type))
        add(row.number(0), row.string(4), row.integer(3), row.text(6), wire::content_of(row.text(6)));
      else if (type == "edit" && row.number(1) > 0)
        edits_[row.number(1)] = {row.number(0), std::string(wire::content_of(row.text(6)))};
    }
    return static_cast<std::uint32_t>(rows.size()) == kIndexedAtATime;
  }

  void add(std::uint64_t seq, const std::string& sender, std::int64_t at_ms, std::string_view envelope,
           std::string_view content) {
    texts_[seq] = {sender, indexed_words(room_, sender, content),
                   search_place(room_, seq, said_at(envelope, at_ms))};
  }

  // The last edit in this batch of each message is in force if the table says so; a later one comes with a later batch.
  void load_edited() {
    if (edits_.empty()) return;
    auto targets = PostgresArray::of_bigint();
    for (const auto& [target, edit] : edits_) targets.add(target);
    auto rows = connection_.query(
        "SELECT e.target, e.seq, m.sender, m.at, m.envelope FROM edits e"
        " CROSS JOIN LATERAL (SELECT sender, at, envelope FROM messages WHERE room_id = $1 AND seq = e.target"
        "  AND deleted = 0 LIMIT 1) AS m WHERE e.room_id = $1 AND e.target = ANY($2)",
        room_, targets);
    for (auto row : rows) {
      const auto& edit = edits_.at(row.number(0));
      if (edit.first == row.number(1))
        add(row.number(0), row.string(2), row.integer(3), row.text(4), edit.second);
    }
  }

  // One that was deleted while it was on its way into the index.
  void drop_deleted() {
    if (deleted_.empty()) return;
    auto gone = PostgresArray::of_bigint(), seqs = PostgresArray::of_bigint();
    for (const auto seq : deleted_) seqs.add(seq);
    for (auto row : connection_.query(
             "SELECT seq FROM messages WHERE room_id = $1 AND seq = ANY($2) AND deleted <> 0", room_, seqs))
      gone.add(row.number(0));
    connection_.query("DELETE FROM search_texts WHERE room_id = $1 AND seq = ANY($2)", room_, gone);
  }

  void write() {
    auto seqs = PostgresArray::of_bigint();
    for (const auto& [seq, text] : texts_) seqs.add(seq);
    if (texts_.empty()) return;
    connection_.query("DELETE FROM search_texts WHERE room_id = $1 AND seq = ANY($2)", room_, seqs);
    find_places();
    auto places = PostgresArray::of_bigint(), of = PostgresArray::of_bigint();
    auto words = PostgresArray::of_text();
    for (const auto& [seq, text] : texts_) {
      if (text.words.empty()) continue;
      places.add(text.place);
      of.add(seq);
      words.add(tsvector_of(text.words));
    }
    connection_.query(
        "INSERT INTO search_texts(id, room_id, seq, words) SELECT n.id, $1::bigint, n.seq, n.words::tsvector"
        " FROM unnest($2::bigint[], $3::bigint[], $4::text[]) AS n(id, seq, words) ON CONFLICT DO NOTHING",
        room_, places, of, words);
  }

  // No two messages of the whole database have the same.
  void find_places() {
    std::set<std::uint64_t> taken;
    for (bool again = true; again;) {
      auto wanted = PostgresArray::of_bigint();
      std::set<std::uint64_t> own;
      for (auto& [seq, text] : texts_) {
        while (taken.contains(text.place) || own.contains(text.place)) ++text.place;
        own.insert(text.place);
        wanted.add(text.place);
      }
      again = false;
      for (auto row : connection_.query("SELECT id FROM search_texts WHERE id = ANY($1)", wanted)) {
        taken.insert(row.number(0));
        again = true;
      }
    }
  }

  PostgresConnection& connection_;
  const std::uint64_t room_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, Text> texts_;
  std::map<std::uint64_t, std::pair<std::uint64_t, std::string>>
      edits_;  // message → its last edit, and what that says
  std::set<std::uint64_t> deleted_;
};

// The newest hits, each with its envelope if it is not deleted, of "candidates".
#define PARLEY_HITS(candidates)                                                                    \
  "SELECT t.id, t.room_id, t.seq, m.envelope FROM (SELECT c.id, c.room_id, c.seq FROM " candidates \
  " AS c"                                                                                          \
  "  WHERE c.words @@ ($1::text)::tsquery AND c.id < $2 AND c.id >= $3 AND c.room_id = ANY($4)"    \
  "  ORDER BY c.id DESC LIMIT $5) AS t"                                                            \
  " CROSS JOIN LATERAL (SELECT envelope FROM messages WHERE room_id = t.room_id AND seq = t.seq"   \
  "  AND deleted = 0 LIMIT 1) AS m ORDER BY t.id DESC"

// A planner can't know which is short: the way back through the newest messages to the first hits, or the index's
// list of all hits; wrong, either reads the whole table. So the newest few thousand are looked at, which is enough
// for frequent words, and then the index, which is good for all others.
constexpr std::string_view kAmongNewest = PARLEY_HITS(
    "(SELECT id, room_id, seq, words FROM search_texts WHERE id < $2 AND id >= $3 ORDER BY id DESC LIMIT "
    "4000)");
constexpr std::string_view kByIndex =
    "WITH found AS MATERIALIZED (SELECT id, room_id, seq, words FROM search_texts"
    " WHERE words @@ ($1::text)::tsquery) " PARLEY_HITS("found");
#undef PARLEY_HITS

}  // namespace

std::shared_ptr<SearchWork> postgres_search_work(std::shared_ptr<PostgresPool> pool) {
  return std::make_shared<SearchWork>(
      [pool]() {
        return pool->read([](PostgresConnection& connection) -> Result<std::vector<std::uint64_t>> {
          std::vector<std::uint64_t> rooms;
          for (auto row : connection.query(
                   "SELECT p.room_id FROM room_progress p LEFT JOIN search_progress s USING (room_id)"
                   " WHERE p.state = 0 AND p.last_seq > coalesce(s.seq, 0)"))
            rooms.push_back(row.number(0));
          return rooms;
        });
      },
      [pool](std::uint64_t room) {
        return pool->write([room](PostgresConnection& connection) -> Result<bool> {
          return Indexing(connection, room).some();
        });
      },
      kRetry);
}

void index_again(PostgresConnection& connection, Place message) {
  const auto [room, seq] = message;
  auto rows = connection.query(
      "SELECT o.sender, coalesce((SELECT m.envelope FROM edits e JOIN messages m ON m.room_id = e.room_id AND"
      " m.seq = e.seq WHERE e.room_id = $1 AND e.target = $2), o.envelope) FROM messages o"
      " WHERE o.room_id = $1 AND o.seq = $2",
      room, seq);
  if (rows.empty()) return;
  const auto words = indexed_words(room, rows[0].string(0), wire::content_of(rows[0].text(1)));
  connection.query("UPDATE search_texts SET words = $3::text::tsvector WHERE room_id = $1 AND seq = $2", room,
                   seq, tsvector_of(words));
}

void unindex(PostgresConnection& connection, const PostgresArray& rooms, const PostgresArray& seqs) {
  connection.query(
      "DELETE FROM search_texts t USING unnest($1::bigint[], $2::bigint[]) AS n(room_id, seq)"
      " WHERE t.room_id = n.room_id AND t.seq = n.seq AND t.room_id = ANY($1::bigint[]) AND t.seq = "
      "ANY($2::bigint[])",
      rooms, seqs);
}

Result<TextPage> PostgresSearchStore::search(const TextQuery& query) {
  constexpr auto kLast = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  auto before = std::min(query.before.value_or(kLast), kLast);
  if (query.until_ms) before = std::min(before, first_place_at(*query.until_ms));
  auto rooms = PostgresArray::of_bigint();
  for (const auto room : query.rooms) rooms.add(room);
  const auto words = tsquery_of(query);
  return pool_->read([&](PostgresConnection& connection) -> Result<TextPage> {
    TextPage page;
    const auto hits = [&](std::string_view statement) {
      return connection.query(statement, words, before, first_place_at(query.since_ms), rooms,
                              std::uint64_t{query.limit} + 1);
    };
    auto rows = hits(kAmongNewest);
    if (static_cast<std::uint32_t>(rows.size()) <= query.limit) rows = hits(kByIndex);
    for (auto row : rows) {
      if (page.hits.size() == query.limit) {
        page.next = page.hits.back().place;
        break;
      }
      page.hits.push_back({row.number(0), {row.number(1), row.number(2)}, row.string(3)});
    }
    return page;
  });
}

Result<std::uint64_t> PostgresSearchStore::behind() {
  return pool_->read([](PostgresConnection& connection) -> Result<std::uint64_t> {
    return connection
        .query(
            "SELECT coalesce(sum(p.last_seq - coalesce(s.seq, 0)), 0)::bigint FROM room_progress p"
            " LEFT JOIN search_progress s USING (room_id) WHERE p.state = 0 AND p.last_seq > coalesce(s.seq, "
            "0)")[0]
        .number(0);
  });
}

Result<TextPage> ShardedSearchStore::search(const TextQuery& query) {
  TextPage whole;
  for (auto& shard : shards_) {
    auto page = shard->search(query);
    if (!page) return page;
    whole.hits.insert(whole.hits.end(), page->hits.begin(), page->hits.end());
    if (page->next) whole.next = std::max(whole.next.value_or(0), *page->next);
  }
  std::ranges::sort(whole.hits, std::ranges::greater{}, &TextHit::place);
  // Beyond the place up to which every shard has been asked, another may have something in between.
  if (whole.next) std::erase_if(whole.hits, [&](const TextHit& hit) { return hit.place < *whole.next; });
  if (whole.hits.size() > query.limit) {
    whole.hits.resize(query.limit);
    whole.next = whole.hits.back().place;
  }
  return whole;
}

Result<std::uint64_t> ShardedSearchStore::behind() {
  std::uint64_t whole = 0;
  for (auto& shard : shards_) {
    auto behind = shard->behind();
    if (!behind) return behind;
    whole += *behind;
  }
  return whole;
}

}  // namespace parley::backend
