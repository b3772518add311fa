#pragma once
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>

#include "backend/store/sqlite_database.h"

namespace parley::backend {

// Takes the messages of deleted rooms off the disk on a thread of its own, a few thousand rows a transaction,
// so that neither the feed nor a request waits for a large room. Begins with whatever an earlier process
// left; an error makes it wait for the next wake().
class DeletedRoomPurge {
 public:
  explicit DeletedRoomPurge(std::shared_ptr<SqliteDatabase> database);
  ~DeletedRoomPurge();  // after the transaction under way

  // A room was deleted. Thread-safe; does not block.
  void wake();

 private:
  void run(const std::stop_token& stop);

  std::shared_ptr<SqliteDatabase> database_;
  std::mutex mutex_;
  std::condition_variable_any woken_;
  bool work_ = true;
  std::jthread thread_;
};

}  // namespace parley::backend
