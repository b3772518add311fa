#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace parley::backend {

struct RoomAgendaOptions {
  std::chrono::milliseconds debounce{1'000};  // between two looks at one room
  std::uint32_t rooms_per_s = 500;            // pace of a pass over all rooms
  std::size_t rooms_max = 100'000;            // rooms remembered as changed; more: a pass over all instead
  std::size_t deleted_max = 10'000;           // deleted rooms not dealt with yet; more are forgotten
};

// Which rooms a publisher of retained messages has to look at, and when: those that changed, each at most once
// per `debounce`; all of them, paced, when asked for or when too many changed; deleted ones by their names.
// Not thread-safe.
class RoomAgenda {
 public:
  explicit RoomAgenda(const RoomAgendaOptions& options) : options_(options) {}

  void start(SteadyTime now);  // forgets what changed: a pass over all rooms
  void clear();                // forgets everything but the deleted rooms

  // False: it was known already.
  bool changed(std::uint64_t room_id, SteadyTime now);
  // False: forgotten, too many wait.
  bool deleted(std::uint64_t room_id, const std::string& name);

  // Of the deleted, the one that was deleted first; to be dropped when it was dealt with.
  std::optional<std::string> next_deleted() const;
  void drop_deleted() { deleted_.pop_front(); }

  // At most `most` rooms that may be looked at now, those that may the longest first; each may be again after `debounce`.
  std::vector<std::uint64_t> take_due(SteadyTime now, std::size_t most);
  // It could not be looked at; not before `rests`.
  void put_back(std::uint64_t room_id, SteadyTime rests = {});

  // The pass over all rooms: after which name it goes on, when it may now, and with how many rooms. What was
  // looked at is told one by one; all_looked_at when there were none left.
  std::optional<std::string> pass_from(SteadyTime now);
  std::uint32_t pass_rooms() const;
  void looked_at(const std::string& name);
  void all_looked_at();

  std::optional<SteadyTime> next_due() const;  // of changed rooms and the pass
  std::size_t size() const { return rooms_.size(); }

 private:
  struct Room {
    bool dirty = false;
    SteadyTime not_before;
  };
  void put(std::uint64_t room_id, const Room& room);
  void drop(std::uint64_t room_id);

  const RoomAgendaOptions options_;
  std::unordered_map<std::uint64_t, Room> rooms_;         // changed, or looked at within `debounce`
  std::set<std::pair<SteadyTime, std::uint64_t>> order_;  // the same, by when they may be looked at
  std::deque<std::string> deleted_;                       // names
  std::optional<std::string> pass_after_;                 // a pass is under way: the last room it did
  SteadyTime pass_at_;
  bool pass_again_ = false;
};

}  // namespace parley::backend
