#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "backend/control/broker_control.h"
#include "backend/metrics/metrics.h"
#include "backend/mqtt/publisher.h"
#include "backend/presence/device_register.h"
#include "backend/presence/presence_announcer.h"
#include "backend/presence/presence_auditor.h"
#include "backend/presence/presence_book.h"
#include "backend/requests/live_presence.h"
#include "backend/requests/room_events.h"
#include "backend/state/pace.h"
#include "backend/state/room_agenda.h"
#include "backend/state/step_thread.h"
#include "backend/store/stores.h"
#include "base/clock.h"
#include "base/log.h"

namespace parley::backend {

struct PresenceOptions {
  PresenceTimes times{};
  std::uint32_t room_max = 500;                     // members; rooms above it have counts instead
  std::uint32_t publish_per_s = 500;                // retained messages, and rooms compared after an attach
  std::chrono::milliseconds counts_every{5'000};    // of one large room, at most
  std::chrono::milliseconds watched_every{10'000};  // how exact last_seen is after everything was killed
};

// What presence needs of the rest, besides the stores. All must outlive the keeper.
struct PresenceSurroundings {
  BrokerControl& broker;
  Publisher& publisher;
  PresenceAuditor::Read read_retained;
  // Subscribes to all devices' status; what is retained comes as well, again after each call.
  std::function<void()> subscribe_statuses;
  RoomEvents& room_states;  // told of large rooms whose counts changed
};

// Presence: learns who is connected (the plugin's events, and its whole list after each attach) and what devices
// say, decides what is to be shown (PresenceBook), writes that down, and brings it to the rooms
// (PresenceAnnouncer, PresenceAuditor). A change is in the store before it is published, so a backend that dies
// between the two mends it when it starts again.
//
// Also writes down which devices users come with (DeviceStore), some a transaction.
//
// Thread-safe; nothing but step() blocks. Whatever comes while another backend is attached is ignored.
class PresenceKeeper final : public RoomEvents, public LivePresence {
 public:
  // Without start() nothing runs by itself: a test calls step().
  PresenceKeeper(Stores& stores, PresenceSurroundings surroundings, Metrics& metrics, const Clock& clock,
                 LogSink log, const PresenceOptions& options);
  ~PresenceKeeper() override { stop(); }

  void start() {
    thread_.start([this] { return step(); });
  }
  void stop() { thread_.stop(); }

  void activate();    // this is the attached backend now
  void deactivate();  // and now no more

  void session_event(const wire::Event& event);  // connected, disconnected
  void device_status(const std::string& user, const std::string& device, std::string_view payload);

  void room_changed(std::uint64_t room_id) override;
  void room_deleted(std::uint64_t room_id, const std::string& name) override;
  void messages_stored(std::uint64_t, std::uint64_t) override {}

  std::vector<LiveDevice> devices(const std::string& user) override;
  // All connections are known: devices() is to be relied on. Not so before, and for a moment after, activate().
  bool knows_connections();
  // Users shown as online, as away; none while another backend is attached.
  PresenceCounts shown_counts();
  void invisible_changed(const std::string& user, bool invisible) override;
  std::vector<DeviceSeen> forget_device(const std::string& user, const std::string& device) override;

  // Does what is due; says when to come again (nullopt: when something changes). One caller at a time.
  std::optional<SteadyTime> step();

 private:
  enum class Phase { idle, loading, listing, running };

  bool load();
  void list_sessions(std::uint64_t turn, const std::string& after);
  void listed(std::uint64_t turn, const Result<nlohmann::json>& answer);
  void begin_again();
  bool run(SteadyTime now);
  bool decide(SteadyTime now);
  void clear_stale(SteadyTime now);
  void tell_counts(SteadyTime now);
  bool note_watching(SteadyTime now);
  bool note_devices();
  std::optional<SteadyTime> next_due();

  PresenceStore& store_;
  DeviceStore& devices_;
  const PresenceSurroundings around_;
  const Clock& clock_;
  const LogSink log_;
  const PresenceOptions options_;
  const Counter changes_, failures_;
  const Gauge sessions_;

  std::mutex mutex_;
  Phase phase_ = Phase::idle;
  std::uint64_t turn_ = 0;  // of being attached, or of listing sessions anew: answers to earlier ones are old
  bool reload_ = false;     // what is being loaded has changed meanwhile
  SteadyTime load_at_{};
  PresenceBook book_;
  DeviceRegister register_;
  std::vector<DeviceSeen> writing_;  // taken from the register, not in the store yet
  std::vector<std::pair<std::string, std::string>> forgotten_meanwhile_;  // user, device

  // Of the thread that steps.
  std::uint64_t turn_seen_ = 0;
  Pace pace_;
  RoomAgenda counts_;
  PresenceAnnouncer announcer_;
  PresenceAuditor auditor_;
  SteadyTime watched_next_{};

  StepThread thread_;
};

}  // namespace parley::backend
