#pragma once
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "backend/metrics/metrics.h"
#include "backend/mqtt/publisher.h"
#include "backend/requests/room_events.h"
#include "backend/state/room_agenda.h"
#include "backend/state/step_thread.h"
#include "backend/store/presence_store.h"
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
  std::uint64_t first_seq = 1;               // told when messages have expired
  std::optional<PresenceCounts> presence{};  // of rooms that do not show each member's
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

using RoomStateOptions = RoomAgendaOptions;

// Keeps the retained rooms/{room}/state messages up to date: at most once per `debounce` for each room, all
// rooms (paced) after each activate(), cleared when a room is deleted. A room changed while one can't publish
// is published later. Thread-safe; nothing but step() blocks.
class RoomStatePublisher final : public RoomEvents {
 public:
  // Without start() nothing runs by itself: a test calls step().
  RoomStatePublisher(RoomStates& rooms, Publisher& publisher, Metrics& metrics, const Clock& clock,
                     LogSink log, RoomStateOptions options = {});
  ~RoomStatePublisher() override { stop(); }

  void start() {
    thread_.start([this] { return step(); });
  }
  void stop() { thread_.stop(); }

  void activate();    // this is the attached backend now: publish all rooms, then changes
  void deactivate();  // publish nothing

  void room_changed(std::uint64_t room_id) override;
  void room_deleted(std::uint64_t room_id, const std::string& name) override;
  void messages_stored(std::uint64_t room_id, std::uint64_t last_seq) override;

  // Publishes what is due now; says when to come again (nullopt: when something changes). Reads the database.
  // One caller at a time.
  std::optional<SteadyTime> step();

 private:
  void mark(std::uint64_t room_id);
  bool clear_deleted();
  bool publish_due(SteadyTime now);
  bool pass(SteadyTime now);
  bool publish_room(std::uint64_t room_id);
  bool publish(const std::string& room, std::string payload);

  RoomStates& rooms_;
  Publisher& publisher_;
  const Clock& clock_;
  LogSink log_;
  Counter published_, failures_, forgotten_;
  Gauge pending_;

  std::mutex mutex_;
  bool active_ = false;
  RoomAgenda agenda_;
  StepThread thread_;
};

}  // namespace parley::backend
