#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "backend/metrics/metrics.h"
#include "backend/mqtt/publisher.h"
#include "backend/requests/room_events.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"

namespace parley::backend {

// What rooms/{room}/state tells (topics.md §5).
struct RoomState {
  std::string room;
  std::string kind;
  std::string title;
  std::uint64_t members = 0;
  std::uint64_t last_seq = 0;
  std::string epoch;
};
std::string format_room_state(const RoomState& state);

// Where the facts come from. Thread-safe; calls block on the database. unavailable: retry.
class RoomStates {
 public:
  virtual ~RoomStates() = default;
  virtual Result<std::optional<RoomState>> room_state(
      std::uint64_t room_id) = 0;  // nullopt: no such room (any more)
  // Rooms in byte order of their names, those after `after`, at most `limit`.
  virtual Result<std::vector<RoomState>> room_states(const std::string& after, std::uint32_t limit) = 0;
};

struct RoomStateOptions {
  std::chrono::milliseconds debounce{1'000};  // between two publications of one room
  std::uint32_t republish_per_s = 500;        // pace of publishing all rooms after an attach
  std::size_t rooms_max = 100'000;  // rooms remembered as changed; more: all rooms are published again
  std::size_t deleted_max =
      10'000;  // deleted rooms whose state could not be cleared yet; more are forgotten, counted
};

// Keeps the retained rooms/{room}/state messages up to date: at most once per `debounce` for each room, all
// rooms (paced) after each activate(), cleared when a room is deleted. A room changed while one can't publish
// is published later. Thread-safe; nothing but step() blocks.
class RoomStatePublisher final : public RoomEvents {
 public:
  // Without start() nothing runs by itself: a test calls step().
  RoomStatePublisher(RoomStates& rooms, Publisher& publisher, Metrics& metrics, const Clock& clock,
                     LogSink log, RoomStateOptions options = {});
  ~RoomStatePublisher() override;

  void start();
  void stop();

  void activate();    // this is the attached backend now: publish all rooms, then changes
  void deactivate();  // publish nothing

  void room_changed(std::uint64_t room_id) override;
  void room_deleted(std::uint64_t room_id, const std::string& name) override;
  void messages_stored(std::uint64_t room_id, std::uint64_t last_seq) override;

  // Publishes what is due now; says when to come again (nullopt: when something changes). Reads the database.
  // One caller at a time.
  std::optional<SteadyTime> step();

 private:
  struct Room {
    bool dirty = false;
    SteadyTime not_before;
  };

  void run();
  void wake();  // with the lock held
  void mark(std::uint64_t room_id);
  bool clear_deleted();
  bool publish_due(SteadyTime now);
  std::vector<std::uint64_t> take_due(SteadyTime now);
  bool sweep(SteadyTime now);
  bool publish_room(std::uint64_t room_id);
  bool publish(const std::string& room, std::string payload);
  std::optional<SteadyTime> next_due();

  RoomStates& rooms_;
  Publisher& publisher_;
  const Clock& clock_;
  LogSink log_;
  RoomStateOptions options_;
  Counter published_, failures_, forgotten_;
  Gauge pending_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool active_ = false;
  bool stopping_ = false;
  bool woken_ = false;
  std::map<std::uint64_t, Room> changed_rooms_;  // changed, or published within `debounce`; at most rooms_max
  std::deque<std::string> deleted_;              // their names; at most deleted_max
  std::optional<std::string> sweep_after_;       // a pass over all rooms is under way: the last room it did
  SteadyTime sweep_at_;
  bool sweep_again_ = false;

  std::thread thread_;
};

}  // namespace parley::backend
