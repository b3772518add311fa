#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backend/control/broker_control.h"
#include "backend/mqtt/publisher.h"
#include "backend/requests/dispatcher.h"
#include "backend/requests/erase_progress.h"
#include "backend/requests/live_presence.h"
#include "backend/requests/notify_desk.h"
#include "backend/requests/room_events.h"
#include "backend/retention/expirer_progress.h"
#include "backend/store/stores.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/dependency.h"
#include "base/live.h"
#include "base/log.h"
#include "wire/limits.h"

namespace parley::backend {

// What may change while requests are answered.
struct RequestRules {
  enum class RoomCreate { everyone, admins };
  RoomCreate room_create = RoomCreate::everyone;
  std::size_t password_min = 8;  // bytes
  std::uint32_t scram_iterations =
      kScramIterationsDefault;  // 4096…100000; each login costs about 0.25 µs × this
  std::size_t max_content_bytes = wire::kContentMaxDefault;  // of one entry of `append`
  std::chrono::hours audit_kept{365 * 24};  // how long acts stay in the audit log; 0: for ever
  RetentionRules retention{};               // what rooms may set, and what holds where they don't
};

struct DispatcherOptions {
  std::shared_ptr<Live<RequestRules>> rules = std::make_shared<Live<RequestRules>>();
  std::uint32_t read_threads = 2;
  std::size_t read_queue = 1024;  // requests waiting; beyond: `unavailable`
  std::size_t change_queue = 1024;
  LogSink log;  // internal errors with their cause; empty: not told
  // Whether this user may make one more request now; asked on the dispatcher's threads, may block for a cache.
  // Empty: everybody may. Administrators are not asked about.
  std::function<bool(const std::string& user)> admit;
  std::vector<Dependency> dependencies;      // what server.status tells of
  std::function<wire::Json()> stats;         // what server.stats tells of the rest; empty: nothing
  std::function<ExpirerProgress()> expirer;  // what server.status tells of it; empty: nothing
  // Raises marks and tells what became of it, once, on any thread (MarkWriter::raise). Empty: unavailable.
  std::function<void(MarkRaise raise, std::function<void(Result<MarkOutcome>)> done)> raise_marks;
  NotifyDesk* notify = nullptr;     // outlives the dispatcher; null: this server notifies nobody
  EraseWork* erase_work = nullptr;  // told of erases that were begun; outlives the dispatcher
};

// The Dispatcher over these; all of them must outlive it. Its threads run from here to stop() or destruction.
std::unique_ptr<Dispatcher> make_dispatcher(Stores& stores, BrokerControl& broker, RoomEvents& events,
                                            Publisher& publisher, LivePresence& presence, const Clock& clock,
                                            DispatcherOptions options);

}  // namespace parley::backend
