#include "backend/presence/presence_announcer.h"

#include "backend/presence/presence_fold.h"
#include "wire/topics.h"

namespace parley::backend {
namespace {

// Of which at most as many are published beyond the pace.
constexpr std::uint32_t kRoomsAtOnce = 100;

}  // namespace

void PresenceAnnouncer::announce(const PresenceRow& row) {
  const auto [at, added] = waiting_.insert_or_assign(row.user, Waiting{format_presence(row), ""});
  if (added) queue_.push_back(row.user);
}

void PresenceAnnouncer::clear() {
  queue_.clear();
  waiting_.clear();
}

bool PresenceAnnouncer::step(SteadyTime now) {
  while (!queue_.empty() && pace_.left(now) > 0) {
    const auto at = waiting_.find(queue_.front());
    bool done = false;
    if (!publish_some(at->first, at->second, now, done)) return false;
    if (!done) continue;
    waiting_.erase(at);
    queue_.pop_front();
  }
  return true;
}

// The rooms are read and published to at once: whoever leaves one meanwhile is dealt with after it, by the look
// at the room that follows a leave.
bool PresenceAnnouncer::publish_some(const std::string& user, Waiting& waiting, SteadyTime now, bool& done) {
  const auto page = rooms_.list(
      {.which = RoomQuery::Which::of_user, .user = user, .after = waiting.after, .limit = kRoomsAtOnce});
  if (!page) return false;
  for (const auto& item : *page) {
    const auto& room = item.room;
    if (room.members > room_max_) {
      too_large_(room.id);
    } else {
      if (!publisher_.publish({.topic = wire::room_topic(wire::TopicKind::room_presence, room.name, user),
                               .payload = waiting.payload,
                               .retain = true}))
        return false;
      pace_.spend(1, now);
      published_.add();
    }
    waiting.after = room.name;
  }
  done = page->size() < kRoomsAtOnce;
  return true;
}

}  // namespace parley::backend
