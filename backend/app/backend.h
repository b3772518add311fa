#pragma once
#include <atomic>
#include <memory>
#include <string>

#include "backend/config/config.h"
#include "backend/http/http_server.h"
#include "backend/store/stores.h"
#include "base/clock.h"
#include "base/event_log.h"
#include "base/log.h"
#include "base/result.h"

namespace parley::backend {

// All of parleyd, wired: the one place where the modules meet.
//
//   MqttLink ──→ Router ──→ FeedConsumer ──→ MessageStore, RoomStatePublisher
//      ↑           ├──────→ Dispatcher ──→ stores, ControlLink, RoomStatePublisher, PresenceKeeper
//      │           ├──────→ PresenceKeeper ──→ PresenceStore, ControlLink, RoomStatePublisher
//      │           └──────→ ControlLink ──→ DirectoryLog, MessageStore
//      └── everything that publishes
class Backend {
 public:
  // Starts everything; a broker that is away is waited for in the background. Errors: unavailable (store, HTTP address), corrupt, invalid_argument.
  // `clock` must outlive this.
  static Result<std::unique_ptr<Backend>> start(const Config& config, const std::string& secret,
                                                const Clock& clock, const LogSink& log,
                                                const EventLog& events = {});
  ~Backend();  // stop()

  // Takes no more requests, finishes those begun, stores what waits, sends what is to be sent: each within what is left of
  // Config::stop_timeout. Then leaves the broker.
  void stop();

  // Keys that may change while it runs (config/keys.h) are in force from now on, whatever else `config` says. Thread-safe.
  void apply(const Config& config);

 private:
  struct Parts;
  explicit Backend(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace parley::backend
