#pragma once
#include <deque>
#include <functional>
#include <map>
#include <string>

#include "backend/metrics/metrics.h"
#include "backend/mqtt/publisher.h"
#include "backend/state/pace.h"
#include "backend/store/presence_store.h"
#include "backend/store/room_store.h"

namespace parley::backend {

// Takes what is newly shown of users to their rooms: retained on rooms/{room}/presence/{user}. What waits is
// bounded by the number of users: of each, only the newest is published. Not thread-safe; step() reads the
// database.
class PresenceAnnouncer {
 public:
  // In rooms of more than `room_max` members nothing is published; `too_large` is called instead.
  PresenceAnnouncer(RoomStore& rooms, Publisher& publisher, Pace& pace, std::uint32_t room_max,
                    std::function<void(std::uint64_t room_id)> too_large, Counter published)
      : rooms_(rooms),
        publisher_(publisher),
        pace_(pace),
        room_max_(room_max),
        too_large_(std::move(too_large)),
        published_(published) {}

  void announce(const PresenceRow& row);
  void clear();

  // Publishes as much as the pace allows. False: the database or the broker is away; call again later.
  bool step(SteadyTime now);
  bool idle() const { return queue_.empty(); }

 private:
  struct Waiting {
    std::string payload;
    std::string after;  // the room that was done last
  };
  // False: away. Sets done when there are no more rooms.
  bool publish_some(const std::string& user, Waiting& waiting, SteadyTime now, bool& done);

  RoomStore& rooms_;
  Publisher& publisher_;
  Pace& pace_;
  const std::uint32_t room_max_;
  const std::function<void(std::uint64_t)> too_large_;
  const Counter published_;
  std::deque<std::string> queue_;
  std::map<std::string, Waiting> waiting_;  // by user: those in the queue
};

}  // namespace parley::backend
