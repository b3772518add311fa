#include "backend/store/deleted_room_purge.h"

namespace parley::backend {
namespace {

constexpr int kRowsAtATime = 2000;

// Removes some rows of one deleted room; false: nothing is left to be done.
Result<bool> purge_some(SqliteConnection& connection) {
  auto row = connection.query("SELECT id FROM rooms WHERE deleted = 1 LIMIT 1");
  if (!row.step()) return false;
  auto room = row.number(0);
  auto removed = connection.run(
      "DELETE FROM messages WHERE room_id = ?1 AND seq <= coalesce("
      " (SELECT seq FROM messages WHERE room_id = ?1 ORDER BY seq LIMIT 1 OFFSET ?2), 9223372036854775807)",
      room, kRowsAtATime);
  if (removed > 0) return true;
  connection.run("DELETE FROM quarantine WHERE room_id = ?", room);
  connection.run("UPDATE rooms SET deleted = 2 WHERE id = ?", room);
  return true;
}

}  // namespace

DeletedRoomPurge::DeletedRoomPurge(std::shared_ptr<SqliteDatabase> database)
    : database_(std::move(database)), thread_([this](const std::stop_token& stop) { run(stop); }) {}

DeletedRoomPurge::~DeletedRoomPurge() = default;

void DeletedRoomPurge::wake() {
  {
    std::lock_guard lock(mutex_);
    work_ = true;
  }
  woken_.notify_one();
}

void DeletedRoomPurge::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      if (!woken_.wait(lock, stop, [&] { return work_; })) return;
      work_ = false;
    }
    auto more = database_->read([](SqliteConnection& connection) -> Result<bool> {
      return connection.query("SELECT 1 FROM rooms WHERE deleted = 1 LIMIT 1").step();
    });
    while (more && *more && !stop.stop_requested()) more = database_->write(purge_some);
  }
}

}  // namespace parley::backend
