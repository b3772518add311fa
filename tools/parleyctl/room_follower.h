#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "tools/parleyctl/requests.h"

namespace parley::ctl {

// Gives a room's messages in order, each once, from live envelopes that may repeat, and may leave holes
// (imports are not delivered live; delivery can be lost), which are filled from history. Subscribe first,
// then start(). Not thread-safe; start() and heal() wait for answers.
class RoomFollower {
 public:
  struct Events {
    std::function<void(const Json& envelope)> message;  // the next one in order
    std::function<void(const std::string& note)> note;  // something a person should know
  };

  // `clock` is read for steady time only.
  RoomFollower(Requests& requests, std::string room, const Clock& clock, Events events);

  // Learns where the room is. With `since`, everything above it is given first.
  Outcome<> start(std::optional<std::uint64_t> since);
  // The connection was gone: what was missed is filled in by heal(), as soon as history answers.
  void resume() { missed_ = true; }
  // A live envelope. Repeats are dropped; beyond a hole it waits.
  void live(Json envelope);
  // To be called now and then: tries to fill holes, at most every 250 ms, and after 10 s goes on without what
  // can't be had, with a note.
  void heal();

 private:
  Outcome<> read_after();
  void give(const Json& envelope);
  void skip_expired(std::uint64_t first);
  void give_waiting();
  bool same_epoch(const std::string& epoch, std::uint64_t before);

  Requests& requests_;
  const std::string room_;
  const Clock& clock_;
  const Events events_;
  std::uint64_t last_ = 0;  // given
  std::string epoch_;
  std::map<std::uint64_t, Json> waiting_;
  bool missed_ = false;  // there may be more than what waits
  SteadyTime hole_since_{}, asked_{};
};

}  // namespace parley::ctl
