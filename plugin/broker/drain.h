#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "plugin/broker/core.h"
#include "wire/control.h"

namespace parley::plugin {

// Moves all clients off the broker, before it is stopped. Who would log in is turned away ("busy": clients try again, and a load balancer
// sends them elsewhere); who is there is told by a notice in the inbox and put out kNoticeAhead later, everybody at a moment of their own,
// evenly over the time given, so that the servers they go to are not stormed. The backend and administrators stay, and may come: they see
// to it. Nothing of it is on disk: a broker that starts anew takes everybody.
//
// MQTT 5 has a reason "use another server" for this; Mosquitto 2.0 lets no plugin choose the reason of a DISCONNECT (it sends 0x98,
// administrative action), so what other server there is stands in the notice. Connections other mechanisms admitted are not Parley's: the
// broker's end is theirs.
//
// For the broker's thread. 16 bytes a session.
class Drain {
 public:
  static constexpr std::chrono::seconds kNoticeAhead{3};
  static constexpr std::size_t kPerTick = 1'000;  // told and marked at most, whatever the time given

  explicit Drain(Core& core) : core_(core) {}

  // Begins, or begins anew with another plan; or ends it.
  void obey(const wire::Drain& plan);
  // Sessions that have to go yet.
  std::size_t left() const;

  // Tells and marks who is due (Sessions::kick_later), and stops the broker when that was asked for and nobody is left.
  void tick();

 private:
  struct Client {
    const void* key;
    std::uint64_t session;  // its number: the broker uses addresses again
  };

  const Session* still_there(const Client& client) const;
  std::size_t due(SteadyTime since, SteadyTime now) const;

  Core& core_;
  wire::Drain plan_;
  SteadyTime began_{};
  std::vector<Client> clients_;  // in the order they go
  std::size_t told_ = 0, moved_ = 0;
  bool stopped_ = false;
};

}  // namespace parley::plugin
