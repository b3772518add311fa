#include "backend/store/postgres_message_batch.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <set>

#include "backend/store/postgres_links.h"
#include "backend/store/postgres_retention.h"

namespace parley::backend {
namespace {

// unnest of arrays in binary form took 1.0 of the time COPY takes for the same rows in the same batches;
// ON CONFLICT DO NOTHING adds a third, COPY into a temporary table and INSERT … SELECT from it doubles it.
constexpr std::string_view kInsert =
    "INSERT INTO messages(room_id, seq, id, at, sender, type, ref, flags, envelope, target, thread, deleted,"
    " counted) SELECT a, b, c, d, e, f, g, h, i, nullif(j, 0), nullif(k, 0), l, m FROM unnest("
    "$1::bigint[], $2::bigint[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::bigint[],"
    " $9::text[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[])"
    " AS n(a, b, c, d, e, f, g, h, i, j, k, l, m)";
constexpr std::string_view kSetAside =
    "INSERT INTO quarantine(room_id, seq, id, at, sender, type, ref, flags, envelope) SELECT * FROM unnest("
    "$1::bigint[], $2::bigint[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::bigint[],"
    " $9::text[]) ON CONFLICT DO NOTHING";

// A client may name any number.
constexpr std::uint64_t kSeqMax = std::numeric_limits<std::int64_t>::max();

std::string_view id_bytes(const wire::Record& record) {
  return {reinterpret_cast<const char*>(record.id.data()), record.id.size()};
}

// The columns a record carries itself.
struct RecordColumns {
  PostgresArray rooms = PostgresArray::of_bigint(), seqs = PostgresArray::of_bigint(),
                ids = PostgresArray::of_uuid(), ats = PostgresArray::of_bigint(),
                senders = PostgresArray::of_text(), types = PostgresArray::of_text(),
                refs = PostgresArray::of_text(), flags = PostgresArray::of_bigint(),
                envelopes = PostgresArray::of_text();

  void add(const wire::Record& record, std::string_view envelope) {
    rooms.add(record.room_id);
    seqs.add(record.seq);
    ids.add(id_bytes(record));
    ats.add(static_cast<std::uint64_t>(record.at_ms));
    senders.add(record.from);
    types.add(record.type);
    refs.add(record.ref);
    flags.add(std::uint64_t{record.flags});
    envelopes.add(envelope);
  }
};

// Of an entry whose sender was erased: it names itself.
wire::Deletion erased_by(const wire::Entry& entry) {
  if (entry.deleted != entry.seq || entry.seq == 0) return {};
  return {.seq = entry.seq, .at_ms = entry.at_ms, .by = std::string(entry.from)};
}

}  // namespace

StoreOutcome PostgresMessageBatch::store(std::span<const wire::Record> records) {
  if (records.empty()) return outcome_;
  load_rooms(records);
  load_suspects(records);
  for (const auto& record : records) sort_out(record);
  link_placed();
  insert_placed();
  keep_late_ones();
  write_effects(connection_, effects_);
  set_aside();
  write_progress();
  return outcome_;
}

// Locks the rooms' rows, in order of their numbers, so that none is deleted meanwhile.
void PostgresMessageBatch::load_rooms(std::span<const wire::Record> records) {
  for (const auto& record : records) rooms_.try_emplace(record.room_id, RoomState{.orphaned = true});
  auto ids = PostgresArray::of_bigint();
  for (const auto& [id, room] : rooms_) ids.add(id);
  auto rows = connection_.query(
      "SELECT room_id, state, quarantined, last_seq, counted, expired FROM room_progress WHERE room_id = "
      "ANY($1)"
      " ORDER BY room_id FOR UPDATE",
      ids);
  for (auto row : rows) {
    auto state = row.integer(1);
    auto last_seq = row.number(3);
    rooms_[row.number(0)] = {.deleted = state == 1 || state == 2,
                             .orphaned = state == 3,
                             .quarantined = row.flag(2),
                             .highest = last_seq,
                             .last_seq = last_seq,
                             .expired = row.number(5),
                             .counted = row.number(4)};
  }
  if (static_cast<std::size_t>(rows.size()) < rooms_.size()) make_orphans(records);
}

void PostgresMessageBatch::make_orphans(std::span<const wire::Record> records) {
  auto ids = PostgresArray::of_bigint(), names = PostgresArray::of_text();
  for (const auto& record : records) {
    if (!rooms_.at(record.room_id).orphaned) continue;
    ids.add(record.room_id);
    names.add(record.room);
  }
  connection_.query(
      "INSERT INTO room_progress(room_id, room, state)"
      " SELECT DISTINCT ON (n.id) n.id, n.name, 3 FROM unnest($1::bigint[], $2::text[]) AS n(id, name)"
      " ON CONFLICT DO NOTHING",
      ids, names);
}

void PostgresMessageBatch::load_suspects(std::span<const wire::Record> records) {
  auto rooms = PostgresArray::of_bigint(), seqs = PostgresArray::of_bigint();
  for (const auto& record : records) {
    auto& room = rooms_.at(record.room_id);
    bool beyond = record.seq > room.highest;
    room.highest = std::max(room.highest, record.seq);
    if (room.deleted || (beyond && trust_progress_ && !room.quarantined)) continue;
    suspects_ = true;
    rooms.add(record.room_id);
    seqs.add(record.seq);
  }
  if (!suspects_) return;
  // LIMIT keeps it a look-up for each suspect: as a join, a plan kept from when a partition was small reads all of
  // it after it has grown.
  auto rows = connection_.query(
      "SELECT n.room_id, n.seq, m.id FROM unnest($1::bigint[], $2::bigint[]) AS n(room_id, seq)"
      " CROSS JOIN LATERAL"
      " (SELECT id FROM messages WHERE room_id = n.room_id AND seq = n.seq LIMIT 1) AS m",
      rooms, seqs);
  for (auto row : rows) {
    auto bytes = row.bytes(2);
    Ulid id{};
    std::memcpy(id.data(), bytes.data(), std::min(bytes.size(), id.size()));
    standing_[{row.number(0), row.number(1)}] = id;
  }
}

void PostgresMessageBatch::sort_out(const wire::Record& record) {
  auto& room = rooms_.at(record.room_id);
  if (room.deleted) {
    ++outcome_.dropped;
    return;
  }
  if (record.seq <= room.expired) {
    ++outcome_.repeated;
    return;
  }
  auto standing = suspects_ ? standing_.find({record.room_id, record.seq}) : standing_.end();
  if (standing != standing_.end() && standing->second == record.id) {
    ++outcome_.repeated;
    room.changed |= record.seq > room.last_seq;
    room.last_seq = std::max(room.last_seq, record.seq);
  } else if (standing == standing_.end() && !room.quarantined) {
    place(record, room);
  } else {
    room.changed |= !room.quarantined;
    room.quarantined = true;
    aside_.push_back(&record);
  }
}

void PostgresMessageBatch::place(const wire::Record& record, RoomState& room) {
  auto& placed = placed_.emplace_back(Placed{.record = &record, .entry = wire::read_entry(record)});
  room.counted += placed.entry.countable();
  placed.counted = room.counted;
  if (placed.entry.message()) room.last_message = std::max(room.last_message, record.seq);
  if (suspects_) standing_[{record.room_id, record.seq}] = record.id;
  ++outcome_.stored;
  if (room.orphaned) ++outcome_.orphaned;
  ++room.added;
  room.changed = true;
  room.last_seq = std::max(room.last_seq, record.seq);
}

// What the placed records say of each other, of stored messages, and of people.
void PostgresMessageBatch::link_placed() {
  if (std::ranges::all_of(placed_, [](const Placed& placed) { return placed.entry.plain(); })) return;
  auto known = load_spoken_of();
  BatchLinks links([&](Place place) -> std::optional<wire::Target> {
    auto at = known.find(place);
    return at == known.end() ? std::nullopt : std::optional(at->second);
  });
  for (auto& placed : placed_) {
    const auto& record = *placed.record;
    placed.row = links.add(record.room_id, record.envelope, placed.entry, rooms_.at(record.room_id).expired);
    known.try_emplace({record.room_id, record.seq}, wire::Target{.seq = record.seq,
                                                                 .from = std::string(record.from),
                                                                 .message = placed.entry.message(),
                                                                 .thread = placed.row.thread,
                                                                 .deletion = erased_by(placed.entry)});
  }
  effects_ = links.effects();
  for (const auto& [id, seq] : effects_.rewritten) {
    rooms_.at(id).rewritten = seq;
    outcome_.rewritten.push_back(id);
  }
  for (const auto& [id, seq] : effects_.annotated) rooms_.at(id).annotated = seq;
}

std::map<BatchLinks::Place, wire::Target> PostgresMessageBatch::load_spoken_of() {
  auto rooms = PostgresArray::of_bigint(), seqs = PostgresArray::of_bigint();
  std::set<Place> wanted;
  for (const auto& placed : placed_)
    if (auto seq = std::max(placed.entry.target, placed.entry.thread); seq > 0 && seq <= kSeqMax)
      wanted.insert({placed.record->room_id, seq});
  for (const auto& [room, seq] : wanted) {
    rooms.add(room);
    seqs.add(seq);
  }
  if (rooms.empty()) return {};
  return load_targets(connection_, rooms, seqs);
}

void PostgresMessageBatch::insert_placed() {
  if (placed_.empty()) return;
  RecordColumns c;
  auto targets = PostgresArray::of_bigint(), threads = PostgresArray::of_bigint(),
       deleted = PostgresArray::of_bigint(), counted = PostgresArray::of_bigint();
  for (const auto& placed : placed_) {
    const auto& row = placed.row;
    c.add(*placed.record, row.envelope.empty() ? placed.record->envelope : std::string_view(row.envelope));
    targets.add(row.target);
    threads.add(row.thread);
    deleted.add(row.deleted);
    counted.add(placed.counted);
  }
  connection_.query(kInsert, c.rooms, c.seqs, c.ids, c.ats, c.senders, c.types, c.refs, c.flags, c.envelopes,
                    targets, threads, deleted, counted);
}

// What came without its message, in rooms that are held.
void PostgresMessageBatch::keep_late_ones() {
  auto rooms = PostgresArray::of_bigint(), seqs = PostgresArray::of_bigint(),
       texts = PostgresArray::of_text();
  for (const auto& placed : placed_) {
    if (placed.row.deleted == 0) continue;
    rooms.add(placed.record->room_id);
    seqs.add(placed.record->seq);
    texts.add(placed.record->envelope);
  }
  if (!rooms.empty()) keep_aside(connection_, rooms, seqs, texts);
}

void PostgresMessageBatch::set_aside() {
  if (aside_.empty()) return;
  RecordColumns c;
  for (const auto* record : aside_) c.add(*record, record->envelope);
  auto added = static_cast<std::uint32_t>(
      connection_
          .query(kSetAside, c.rooms, c.seqs, c.ids, c.ats, c.senders, c.types, c.refs, c.flags, c.envelopes)
          .affected());
  outcome_.quarantined += added;
  outcome_.repeated += static_cast<std::uint32_t>(aside_.size()) - added;
}

void PostgresMessageBatch::write_progress() {
  auto ids = PostgresArray::of_bigint(), lasts = PostgresArray::of_bigint(),
       added = PostgresArray::of_bigint(), quarantined = PostgresArray::of_bigint(),
       counted = PostgresArray::of_bigint(), rewritten = PostgresArray::of_bigint(),
       annotated = PostgresArray::of_bigint(), last_messages = PostgresArray::of_bigint();
  bool any = false;
  for (const auto& [id, room] : rooms_) {
    if (!room.changed) continue;
    any = true;
    ids.add(id);
    lasts.add(room.last_seq);
    added.add(room.added);
    quarantined.add(std::uint64_t{room.quarantined});
    counted.add(room.counted);
    rewritten.add(room.rewritten);
    annotated.add(room.annotated);
    last_messages.add(room.last_message);
  }
  if (!any) return;
  connection_.query(
      "UPDATE room_progress p SET last_seq = n.last_seq, messages = p.messages + n.added,"
      " quarantined = n.quarantined <> 0, counted = n.counted, rewritten = CASE WHEN n.rewritten > 0 THEN "
      "n.rewritten ELSE p.rewritten END,"
      " annotated = greatest(p.annotated, n.annotated), last_message = greatest(p.last_message, "
      "n.last_message)"
      " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],"
      " $7::bigint[], $8::bigint[])"
      " AS n(room_id, last_seq, added, quarantined, counted, rewritten, annotated, last_message)"
      " WHERE p.room_id = n.room_id AND p.room_id = ANY($1::bigint[])",  // an index scan, whatever the join's way
      ids, lasts, added, quarantined, counted, rewritten, annotated, last_messages);
}

}  // namespace parley::backend
