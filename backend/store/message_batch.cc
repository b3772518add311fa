#include "backend/store/message_batch.h"

#include <algorithm>

#include "backend/store/sqlite_links.h"
#include "backend/store/sqlite_retention.h"
#include "base/encoding.h"
#include "base/ids.h"

namespace parley::backend {
namespace {

constexpr std::string_view kInsert =
    "INSERT INTO messages(room_id, seq, id, at, sender, type, ref, flags, target, thread, deleted, counted, "
    "envelope)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0), nullif(?, 0), ?, ?, ?) ON CONFLICT DO NOTHING";
constexpr std::string_view kSetAside =
    "INSERT INTO quarantine(room_id, seq, id, at, sender, type, ref, flags, envelope)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";

std::string_view id_bytes(const wire::Record& record) {
  return {reinterpret_cast<const char*>(record.id.data()), record.id.size()};
}

}  // namespace

MessageBatch::MessageBatch(SqliteConnection& connection)
    : connection_(connection),
      insert_(connection.query(kInsert)),
      links_([&connection](BatchLinks::Place place) { return load_target(connection, place); }) {}

void MessageBatch::add(const wire::Record& record) {
  RoomState& room = room_of(record);
  if (room.deleted) {
    ++outcome_.dropped;
    return;
  }
  if (record.seq <= room.expired) {
    ++outcome_.repeated;
    return;
  }
  if (room.quarantined) return set_aside(record, room);
  insert(record, room);
}

void MessageBatch::insert(const wire::Record& record, RoomState& room) {
  const auto entry = wire::read_entry(record);
  const auto counted = room.counted + (entry.countable() ? 1 : 0);
  LinkedRow row;
  if (!entry.plain()) {
    if (is_taken(record)) return set_aside(record, room);
    row = links_.add(record.room_id, record.envelope, entry, room.expired);
  }
  insert_
      .bind(record.room_id, record.seq, Blob{id_bytes(record)}, record.at_ms, record.from, record.type,
            record.ref, record.flags, row.target, row.thread, row.deleted, counted,
            row.envelope.empty() ? record.envelope : std::string_view(row.envelope))
      .run();
  if (connection_.changed() == 0) return set_aside(record, room);
  if (row.deleted > 0) keep_aside(connection_, {record.room_id, record.seq}, record.envelope);
  ++outcome_.stored;
  if (room.orphaned) ++outcome_.orphaned;
  ++room.added;
  room.counted = counted;
  if (entry.message()) room.last_message = std::max(room.last_message, record.seq);
  room.last_seq = std::max(room.last_seq, record.seq);
}

// A record that is not for the messages table: it stands there already, or it goes into quarantine, and its
// room with it.
void MessageBatch::set_aside(const wire::Record& record, RoomState& room) {
  if (stands_already(record)) {
    ++outcome_.repeated;
    return;
  }
  if (!room.quarantined) room.newly_quarantined = true;
  room.quarantined = true;
  connection_.run(kSetAside, record.room_id, record.seq, Blob{id_bytes(record)}, record.at_ms, record.from,
                  record.type, record.ref, record.flags, record.envelope);
  if (connection_.changed() > 0) {
    ++outcome_.quarantined;
  } else {
    ++outcome_.repeated;
  }
}

bool MessageBatch::is_taken(const wire::Record& record) {
  return connection_.query("SELECT 1 FROM messages WHERE room_id = ? AND seq = ?", record.room_id, record.seq)
      .step();
}

bool MessageBatch::stands_already(const wire::Record& record) {
  auto row =
      connection_.query("SELECT id FROM messages WHERE room_id = ? AND seq = ?", record.room_id, record.seq);
  return row.step() && row.text(0) == id_bytes(record);
}

MessageBatch::RoomState& MessageBatch::room_of(const wire::Record& record) {
  if (newest_ && newest_id_ == record.room_id) return *newest_;
  auto known = rooms_.find(record.room_id);
  if (known == rooms_.end()) known = rooms_.emplace(record.room_id, load(record)).first;
  newest_id_ = record.room_id;
  newest_ = &known->second;
  return *newest_;
}

MessageBatch::RoomState MessageBatch::load(const wire::Record& record) {
  auto row = connection_.query(
      "SELECT deleted, orphaned, quarantined, last_seq, counted, expired FROM rooms WHERE id = ?",
      record.room_id);
  if (!row.step()) return make_orphan(record);
  return {.deleted = row.integer(0) != 0,
          .orphaned = row.integer(1) != 0,
          .quarantined = row.integer(2) != 0,
          .last_seq = row.number(3),
          .expired = row.number(5),
          .counted = row.number(4)};
}

MessageBatch::RoomState MessageBatch::make_orphan(const wire::Record& record) {
  connection_.run(
      "INSERT INTO rooms(id, name, name_key, kind, title, public, epoch, orphaned) VALUES (?, ?, ?, 0, '', "
      "0, ?, 1)",
      record.room_id, record.room, fold_case(record.room), random_id(8));
  return {.orphaned = true};
}

StoreOutcome MessageBatch::finish() {
  const auto& effects = links_.effects();
  write_effects(connection_, effects);
  for (const auto& [id, room] : rooms_) {
    if (room.added > 0) {
      connection_.run(
          "UPDATE rooms SET last_seq = ?2, messages = messages + ?3, counted = ?4,"
          " last_message = max(last_message, ?5) WHERE id = ?1",
          id, room.last_seq, room.added, room.counted, room.last_message);
    }
    if (room.newly_quarantined) connection_.run("UPDATE rooms SET quarantined = 1 WHERE id = ?", id);
  }
  for (const auto& [id, seq] : effects.rewritten) {
    connection_.run("UPDATE rooms SET rewritten = ?2 WHERE id = ?1", id, seq);
    outcome_.rewritten.push_back(id);
  }
  for (const auto& [id, seq] : effects.annotated)
    connection_.run("UPDATE rooms SET annotated = max(annotated, ?2) WHERE id = ?1", id, seq);
  return outcome_;
}

}  // namespace parley::backend
