#include "backend/store/message_batch.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/ids.h"

namespace parley::backend {
namespace {

constexpr std::string_view kInsert =
    "INSERT INTO messages(room_id, seq, id, at, sender, type, ref, flags, envelope)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
constexpr std::string_view kSetAside =
    "INSERT INTO quarantine(room_id, seq, id, at, sender, type, ref, flags, envelope)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";

std::string_view id_bytes(const wire::Record& record) {
  return {reinterpret_cast<const char*>(record.id.data()), record.id.size()};
}

void insert(Query& query, const wire::Record& record) {
  query
      .bind(record.room_id, record.seq, Blob{id_bytes(record)}, record.at_ms, record.from, record.type,
            record.ref, record.flags, record.envelope)
      .run();
}

}  // namespace

MessageBatch::MessageBatch(SqliteConnection& connection)
    : connection_(connection), insert_(connection.query(kInsert)) {}

void MessageBatch::add(const wire::Record& record) {
  RoomState& room = room_of(record);
  if (room.deleted) {
    ++outcome_.dropped;
    return;
  }
  if (room.quarantined) return set_aside(record, room);
  insert(insert_, record);
  if (connection_.changed() == 0) return set_aside(record, room);
  ++outcome_.stored;
  if (room.orphaned) ++outcome_.orphaned;
  ++room.added;
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
  auto query = connection_.query(kSetAside);
  insert(query, record);
  if (connection_.changed() > 0) {
    ++outcome_.quarantined;
  } else {
    ++outcome_.repeated;
  }
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
  auto row = connection_.query("SELECT deleted, orphaned, quarantined, last_seq FROM rooms WHERE id = ?",
                               record.room_id);
  if (!row.step()) return make_orphan(record);
  return {.deleted = row.integer(0) != 0,
          .orphaned = row.integer(1) != 0,
          .quarantined = row.integer(2) != 0,
          .last_seq = row.number(3)};
}

MessageBatch::RoomState MessageBatch::make_orphan(const wire::Record& record) {
  connection_.run(
      "INSERT INTO rooms(id, name, name_key, kind, title, public, epoch, orphaned) VALUES (?, ?, ?, 0, '', "
      "0, ?, 1)",
      record.room_id, record.room, fold_case(record.room), random_id(8));
  return {.orphaned = true};
}

StoreOutcome MessageBatch::finish() {
  for (const auto& [id, room] : rooms_) {
    if (room.added > 0) {
      connection_.run("UPDATE rooms SET last_seq = ?2, messages = messages + ?3 WHERE id = ?1", id,
                      room.last_seq, room.added);
    }
    if (room.newly_quarantined) connection_.run("UPDATE rooms SET quarantined = 1 WHERE id = ?", id);
  }
  return outcome_;
}

}  // namespace parley::backend
