#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "plugin/broker/commands.h"
#include "plugin/broker/core.h"
#include "plugin/broker/drain.h"
#include "plugin/broker/enhanced_auth.h"
#include "plugin/broker/gate.h"
#include "plugin/broker/intake.h"
#include "plugin/broker/logins.h"

namespace parley::plugin {

// The plugin without Mosquitto: one method for each of the broker's callbacks. For the broker's thread. May throw (std::bad_alloc and our bugs): the edge
// catches, and denies.
class Parley {
 public:
  // Opens everything below data_dir. Errors say which option or file, and what to do.
  // `broker` and `clock` must outlive it.
  static Result<std::unique_ptr<Parley>> open(const Options& options, BrokerApi& broker, const Clock& clock);

  LoginVerdict login(const Client& client, const char* username, const char* password,
                     std::string& new_username);
  AuthStep auth_start(const Client& client, std::string_view method, std::string_view data);
  AuthStep auth_continue(const Client& client, std::string_view data) {
    return enhanced_auth_.go_on(client, data);
  }
  AclDecision check(const Client& client, const AclRequest& request);
  bool message(const Client& client, std::string_view topic, std::string_view payload,
               const Intake::ReadProperties& properties, bool& retain, std::string& payload_after);
  void control(const Client& client, std::string_view payload) { commands_.handle(client, payload); }
  // True: of a client that had not finished to log in, so that nothing the broker knows of it is to be believed.
  bool disconnected(const Client& client) {
    logins_->disconnected(client.key);
    return enhanced_auth_.gone(client);
  }
  void tick();
  // SIGHUP: keys are read again, and `options`, made anew, are in force from now on; on their error the old ones stay. Only live options
  // may differ (options.h).
  void reload(const Result<Options>& options);
  void count_exception() { ++core_->counters.exceptions; }

 private:
  Parley(std::unique_ptr<Core> core, std::unique_ptr<Logins> logins);
  bool clock_stands();
  void apply(const Options& options);

  // Without ticks nothing is kicked and nothing fed: whatever stopped them, nobody is let in then. The time runs from the first event that was
  // followed by none: where nothing happens, Mosquitto 2.1 sleeps and does not tick either.
  static constexpr std::chrono::seconds kTicklessMax{30};

  std::unique_ptr<Core> core_;
  std::unique_ptr<Logins> logins_;
  EnhancedAuth enhanced_auth_;
  Gate gate_;
  Intake intake_;
  Drain drain_;
  Commands commands_;
  std::optional<SteadyTime> tickless_since_;
  bool said_tickless_ = false;
};

}  // namespace parley::plugin
