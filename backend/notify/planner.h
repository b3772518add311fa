#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "backend/metrics/metrics.h"
#include "backend/notify/job_judge.h"
#include "backend/notify/room_news.h"
#include "backend/notify/rules.h"
#include "backend/requests/room_events.h"
#include "backend/state/room_agenda.h"
#include "backend/state/step_thread.h"
#include "backend/store/stores.h"
#include "base/clock.h"
#include "base/event_log.h"
#include "base/log.h"

namespace parley::backend {

struct PlannerOptions {
  JudgeOptions judge{};
  std::uint32_t everyone_max = 500;  // members whom @room mentions at most; in larger rooms nobody
  std::chrono::milliseconds email_delay{900'000};
  std::vector<std::string> for_everybody{};   // operators' providers: a target of each user
  std::vector<std::string> providers{};       // those in use: nobody would carry others' jobs; empty: all
  std::uint32_t page = 1'000;                 // members looked at at once
  std::chrono::milliseconds debounce{1'000};  // between two looks at one room
  EventLog events{};
};

// What planning needs of the rest, besides the stores.
struct PlannerSurroundings {
  AttentionOf attention;
  std::function<void()> jobs_ready;  // told after some were made ready
};

// Decides who is to be told of what: reads each room's messages above its cursor, judges every member by the rules, marks jobs
// in the outbox, and judges them again when they are due. Nothing is remembered but which rooms to look at: after activate() all
// are compared with their cursors, so what a killed process had begun is done. A look at a room reads at most kEntriesMax of its
// newest entries, and its members a page at a time. Only the attached backend plans.
//
// Thread-safe; nothing but step() blocks (on the database).
class Planner final : public RoomEvents {
 public:
  static constexpr std::uint64_t kEntriesMax = 10'000;  // above the cursor; older ones tell nobody
  static constexpr std::uint64_t kFirstLook = 1'000;    // the same in a room that has no cursor yet

  // Without start() nothing runs by itself: a test calls step(). The stores, metrics and clock must outlive it.
  Planner(Stores& stores, PlannerSurroundings around, Metrics& metrics, const Clock& clock, LogSink log,
          PlannerOptions options);
  ~Planner() override { stop(); }

  void start() {
    thread_.start([this] { return step(); });
  }
  void stop() { thread_.stop(); }

  void activate();    // this is the attached backend now
  void deactivate();  // and now no more

  void room_changed(std::uint64_t) override {}
  void room_deleted(std::uint64_t, const std::string&) override {}
  void messages_stored(std::uint64_t room_id, std::uint64_t last_seq) override;

  // Does what is due; says when to come again (nullopt: when something changes). One caller at a time.
  std::optional<SteadyTime> step();

 private:
  struct Look {  // at a room
    Room room;
    RoomNews news;
    NotifyLevel level = NotifyLevel::all;
    bool everyone_counts = false;
  };

  void plan_due(SteadyTime now);
  bool pass(SteadyTime now);
  Result<> plan(std::uint64_t room_id);
  Result<> plan(const Room& room, std::uint64_t cursor);
  Result<> read_news(Look& look, std::uint64_t cursor);
  Result<bool> quiet_since(const Room& room, WallTime since);
  Result<> mark_members(const Look& look);
  void note_planned(const Look& look, const NotifyCandidate& candidate, const Said& said,
                    std::size_t targets);
  void mark_member(const Look& look, const NotifyCandidate& candidate, std::vector<NotifyMark>& marks);
  NotifyFacts facts_of(const Look& look, const NotifyCandidate& candidate, const Said& said) const;
  bool mentions(const Look& look, const NotifyCandidate& candidate, const Said& said) const;
  Result<> put(std::vector<NotifyMark>& marks, std::size_t at_least);

  bool judge_due();
  std::optional<SteadyTime> next_due();

  Stores& stores_;
  const PlannerSurroundings around_;
  const Clock& clock_;
  const LogSink log_;
  const PlannerOptions options_;
  const Counter looks_, marks_, failures_;
  const Histogram look_seconds_;

  std::mutex mutex_;
  bool active_ = false;
  bool begin_ = false;  // look at all jobs
  RoomAgenda agenda_;

  // Of the thread that steps.
  JobJudge judge_;
  SteadyTime complain_at_{};

  StepThread thread_;
};

}  // namespace parley::backend
