#include "backend/store/last_message.h"
#include "tests/fakes/memory_stores.h"

namespace parley::backend {
namespace {

// Counts the rows, one by one.
class MemoryUnreadStore final : public UnreadStore {
 public:
  explicit MemoryUnreadStore(std::shared_ptr<MemoryDatabase> database) : database_(std::move(database)) {}

  Result<std::vector<Unread>> unread(const UnreadQuery& query) override {
    std::lock_guard lock(database_->mutex);
    std::vector<Unread> rooms;
    for (const auto& room : query.rooms) rooms.push_back(count(query, room));
    return rooms;
  }

 private:
  Unread count(const UnreadQuery& query, const UnreadQuery::Room& room) {
    Unread unread;
    auto& mentions = database_->mentions[room.room_id];
    for (const auto& [seq, row] : database_->messages[room.room_id]) {
      const bool imported = row.envelope.find("\"imported\":true") != std::string::npos;
      if (seq <= room.read || row.sender == query.user || row.links.deleted != 0 || imported ||
          !wire::is_message(row.type))
        continue;
      ++unread.messages;
      unread.mentions += mentions[query.user_key].contains(seq) || mentions[kEveryone].contains(seq);
    }
    unread.last = last(room);
    return unread;
  }

  std::string last(const UnreadQuery::Room& room) {
    const auto& messages = database_->messages[room.room_id];
    const auto at = messages.find(room.last_message);
    if (at == messages.end()) return "";
    LastMessageRow row{.envelope = at->second.envelope};
    const BatchLinks::Place place{room.room_id, room.last_message};
    if (auto thread = database_->threads.find(place); thread != database_->threads.end()) {
      row.replies = thread->second.replies;
      row.last_reply = thread->second.last_seq;
    }
    if (auto edit = database_->edits.find(place); edit != database_->edits.end()) {
      row.edit_seq = edit->second;
      row.edit_envelope = messages.at(edit->second).envelope;
      row.edit_at_ms = messages.at(edit->second).at_ms;
    }
    return folded(row);
  }

  std::shared_ptr<MemoryDatabase> database_;
};

}  // namespace

std::unique_ptr<UnreadStore> memory_unread(std::shared_ptr<MemoryDatabase> database) {
  return std::make_unique<MemoryUnreadStore>(std::move(database));
}

}  // namespace parley::backend
