#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "plugin/auth/scram_exchange.h"
#include "plugin/broker/core.h"
#include "plugin/broker/logins.h"
#include "plugin/limits/token_bucket.h"

namespace parley::plugin {

// What the broker is to do with a client's step. `username`, when there is one, is what it is to know the client by from now on.
struct AuthStep {
  enum class What { accept, go_on, deny, busy, unsupported };
  What what = What::deny;
  std::string reply{};
  std::string username{};
};

// MQTT 5's enhanced authentication (§4.12), also of a client that is connected (AUTH 0x19). Two methods: SCRAM-SHA-256 (scram_exchange.h), in two
// steps, and OAUTHBEARER with a JWT (bearer.h), in one. Others are refused, never left to another mechanism.
//
// Until it has finished, a newcomer is nobody: the broker knows it by a name no user can have (kUnfinished and a number), and the Gate denies that name
// everything, whenever it asks: also for the will of a client that broke off, which Mosquitto sends later if told so. A client that is connected keeps
// its name and session while it authenticates again; it must prove to be the same user.
//
// Bounds: kUnderWayMax exchanges in all and kPerAddress of one address at once (none of a trusted one's, behind which many stand), each with kTime (and up to kWindow more) from its first message to its
// last; a newcomer that is late is put out. A newcomer that fails or breaks off half-way leaves 1 KiB in a Mosquitto 2.0, 60 KiB if it likes, until
// the session expiry it asked for: so each counts as a wrong guess, and above kFailuresPerSecond SCRAM is shut to newcomers (busy) for a second at a
// time; all other ways to log in stay open.
// For the broker's thread; no slow hash: an exchange costs it some 10 µs.
class EnhancedAuth {
 public:
  static constexpr std::string_view kUnfinished = "$authenticating-";
  static constexpr std::size_t kUnderWayMax = 2000, kPerAddress = 200;
  static constexpr std::chrono::seconds kTime{15}, kWindow{5};
  static constexpr double kFailuresPerSecond = 2, kFailuresBurst = 200;

  EnhancedAuth(Core& core, Logins& logins) : core_(core), logins_(logins) {}

  // CONNECT with a method, or AUTH with "re-authenticate" from a connected client.
  AuthStep start(const Client& client, std::string_view method, std::string_view data);
  AuthStep go_on(const Client& client, std::string_view data);

  // The connection is gone, or its address is used by a newcomer. True when it had begun and not finished to log in.
  bool gone(const Client& client);
  void tick();

  std::size_t under_way() const { return under_way_.size(); }

 private:
  struct Exchange {
    ScramExchange scram;
    ScramVerifier verifier;  // it runs with
    std::string address, counted_as, device;
    std::string mark;  // the broker's name for the client; "": a connected one
    std::int64_t window = 0;
  };

  AuthStep start_scram(const Client& client, std::string_view data, bool renewal);
  AuthStep bearer(const Client& client, std::string_view data, bool renewal);
  AuthStep finish(const Client& client, const Arrival& arrival, const Verdict& verdict, std::string reply,
                  bool renewal);
  std::optional<AuthStep> turned_away(const Client& client, const Arrival& arrival);
  AuthStep renew(const Client& client, const Admitted& admitted, std::string reply);
  AuthStep unasked(const Client& client);
  AuthStep no_start(const Client& client, std::string_view why, bool renewal);
  AuthStep deny(const Client& client, std::string_view why, bool renewal);
  bool full(const Client& client) const;
  Exchange end(std::unordered_map<const void*, Exchange>::iterator exchange);
  void failed();
  void broke_off(const Exchange& exchange);
  void end_window(std::int64_t window);
  std::int64_t window_now() const { return core_.clock.steady().time_since_epoch() / kWindow; }

  Core& core_;
  Logins& logins_;
  std::unordered_map<const void*, Exchange> under_way_;
  std::unordered_map<std::string, std::size_t> by_address_;
  std::map<std::int64_t, std::size_t> windows_;  // exchanges that began in each
  TokenBucket::Pace failure_pace_{{kFailuresPerSecond, kFailuresBurst}};
  TokenBucket failures_;
  SteadyTime shut_until_{};
};

}  // namespace parley::plugin
