#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "backend/control/broker_control.h"
#include "backend/metrics/metrics.h"
#include "backend/mqtt/publisher.h"
#include "backend/mqtt/retained_reader.h"
#include "backend/requests/erase_progress.h"
#include "backend/requests/room_events.h"
#include "backend/state/step_thread.h"
#include "backend/store/stores.h"
#include "base/clock.h"
#include "base/log.h"

namespace parley::backend {

struct EraserOptions {
  std::chrono::milliseconds retry{1'000};           // after a failure
  std::chrono::milliseconds held_wait{60'000};      // while rooms with messages to be erased are held
  std::chrono::milliseconds presence_wait{60'000};  // for the last word on the user's presence to be written
};

// What erasing needs of the rest, besides the stores. All must outlive the eraser.
struct EraserSurroundings {
  BrokerControl& broker;
  Publisher& publisher;
  std::function<void(const std::string& filter, RetainedReader::Done done)> read_retained;
  RoomEvents& rooms;
};

// Carries erases of users out, one after the other, in small steps, each a transaction of its own; it rests as long as it
// works, so that storing is not held up. Which erases there are is in the store (EraseStore), how far one is is not: whoever
// goes on with it begins anew with the first stage, and passes over what is done.
//
// Stages: `block` (what is stored from now on has no name of theirs), `leave` (memberships), `messages`, `acts` (the audit
// log), `tell` (an entry `erased` in each room that has changed), `devices` (retained status, client ids), `presence`,
// `forget` (the name itself; the plugin is sent the whole Directory), `finish`.
//
// A room that is held (RetentionStore) keeps its messages as they are until the hold ends: the erase waits (`held`), and the name
// stays with it, blocked. Whoever waits behind it waits, too.
//
// Thread-safe; nothing but step() blocks, on the database.
class UserEraser final : public EraseWork {
 public:
  // Without start() nothing runs by itself: a test calls step().
  UserEraser(Stores& stores, EraserSurroundings surroundings, Metrics& metrics, const Clock& clock,
             LogSink log, const EraserOptions& options = {});
  ~UserEraser() override { stop(); }

  void start() {
    thread_.start([this] { return step(); });
  }
  void stop() { thread_.stop(); }

  void activate();    // this is the attached backend now
  void deactivate();  // and now no more

  void begun() override { thread_.wake(); }
  EraseProgress progress() override;

  // Does some; says when to come again (nullopt: when something changes). One caller at a time.
  std::optional<SteadyTime> step();

 private:
  enum class Stage { block, announce, leave, messages, acts, tell, devices, presence, forget, finish };
  // What a stage came to: it is to be gone on with, its successor is next, or somebody's answer is waited for.
  enum class Next { more, done, wait };

  Result<Next> work();
  Result<Next> block();
  Result<Next> leave();
  Result<Next> messages();
  Result<Next> acts();
  Result<Next> tell();
  Result<Next> devices();
  Result<Next> presence();
  Result<Next> forget();
  Result<Next> finish();
  Result<Next> await_directory(std::uint64_t version);
  template <class Ask>
  Result<Next> ask(Ask&& ask);
  void clear_statuses(const RetainedMessages& found);
  void go_to(Stage stage);

  Stores& stores_;
  const EraserSurroundings around_;
  const Clock& clock_;
  const LogSink log_;
  const EraserOptions options_;
  const Counter erased_rows_, failures_;

  std::mutex mutex_;
  bool active_ = false;
  std::uint64_t turn_ = 0;  // of asking: answers to earlier ones are old
  bool waiting_ = false;    // for an answer
  std::optional<Result<>> answer_;
  EraseProgress progress_;

  // Of the thread that steps.
  std::optional<Erasure> current_;
  Stage stage_ = Stage::block;
  ErasePlace place_;
  bool held_ = false;                     // messages of rooms that are held were left
  std::optional<SteadyTime> held_until_;  // then they are looked at again
  std::uint64_t act_ = 0;
  int asked_ = 0;  // how far a stage of several questions is
  std::uint64_t version_ = 0;
  std::optional<SteadyTime> presence_until_;

  StepThread thread_;
};

}  // namespace parley::backend
