#pragma once
#include <cstdint>
#include <unordered_map>

#include "backend/store/batch_links.h"
#include "backend/store/message_store.h"
#include "backend/store/sqlite_connection.h"

namespace parley::backend {

// Puts the records of one feed batch where they belong, inside the caller's transaction. What it has learnt
// of rooms holds for this transaction only. A record carries most columns; what it says of other messages is
// read from its envelope. Methods may throw SqliteFailure.
class MessageBatch {
 public:
  explicit MessageBatch(SqliteConnection& connection);

  void add(const wire::Record& record);
  // Writes what the batch says of messages, and each room's new last seq and counts, once.
  StoreOutcome finish();

 private:
  struct RoomState {
    bool deleted = false;
    bool orphaned = false;
    bool quarantined = false;
    bool newly_quarantined = false;
    std::uint64_t last_seq = 0;
    std::uint64_t expired = 0;
    std::uint64_t added = 0;
    std::uint64_t counted = 0;
    std::uint64_t last_message = 0;  // of this batch; 0: none
  };

  RoomState& room_of(const wire::Record& record);
  RoomState load(const wire::Record& record);
  RoomState make_orphan(const wire::Record& record);
  bool is_taken(const wire::Record& record);
  bool stands_already(const wire::Record& record);
  void insert(const wire::Record& record, RoomState& room);
  void set_aside(const wire::Record& record, RoomState& room);

  SqliteConnection& connection_;
  Query insert_;
  BatchLinks links_;
  std::unordered_map<std::uint64_t, RoomState> rooms_;
  std::uint64_t newest_id_ = 0;
  RoomState* newest_ = nullptr;
  StoreOutcome outcome_;
};

}  // namespace parley::backend
